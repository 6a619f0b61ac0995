import { Module } from '@nestjs/common';
import { TypeOrmModule } from '@nestjs/typeorm';
import { Policies } from './policies.service.js';
import { Policy } from './policy.entity.js';

@Module({ imports: [TypeOrmModule.forFeature([Policy])], providers: [Policies], exports: [Policies] })
export class PoliciesModule {}
