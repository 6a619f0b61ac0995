import { Module } from '@nestjs/common';
import { ChangeFeedModule } from '../change-feed/change-feed.module.js';
import { HealthController } from './health.controller.js';

@Module({ imports: [ChangeFeedModule], controllers: [HealthController] })
export class HealthModule {}
