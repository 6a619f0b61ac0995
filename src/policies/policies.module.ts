import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Forgetting } from '../platform/forgetting/forgetting.js';
import { Policies } from './policies.service.js';
import { Policy, PolicyPublication } from './policy.entity.js';

@Module({
  imports: [TypeOrmModule.forFeature([Policy, PolicyPublication])],
  providers: [Policies],
  exports: [Policies],
})
export class PoliciesModule {
  constructor(forgetting: Forgetting) {
    forgetting.registerOwnerless(
      { table: 'policy', holds: 'the texts of the installation' },
      { table: 'policy_publication', holds: 'the times from which they hold' },
    );
  }
}
