import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { AuthModule } from '../auth/auth.module.js';
import { Action } from './action.entity.js';
import { Forgetting } from '../platform/forgetting/forgetting.js';
import { ActionsController } from './actions.controller.js';
import { Actions } from './actions.service.js';

@Module({
  imports: [TypeOrmModule.forFeature([Action]), AuthModule],
  controllers: [ActionsController],
  providers: [Actions],
  exports: [Actions],
})
export class ActionsModule {
  constructor(forgetting: Forgetting) {
    forgetting.register({ table: 'action', kind: 'actions', contact: 'subject_id' });
  }
}
