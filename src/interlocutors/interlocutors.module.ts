import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AuthModule } from '../auth/auth.module.js';
import { Forgetting } from '../platform/forgetting/forgetting.js';
import { Identities } from './identities.js';
import { Interlocutor } from './interlocutor.entity.js';
import { Interlocutors } from './interlocutors.service.js';

@Module({
  imports: [TypeOrmModule.forFeature([Interlocutor]), AuthModule],
  providers: [Identities, Interlocutors],
  exports: [Identities, Interlocutors],
})
export class InterlocutorsModule {
  constructor(forgetting: Forgetting) {
    forgetting.register({
      table: 'interlocutor',
      interlocutor: 'id',
      subscriber: { kept: 'it may have other subscribers' },
    });
  }
}
