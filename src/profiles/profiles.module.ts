import { Module } from '@nestjs/common';
import { AuthModule } from '../auth/auth.module.js';
import { InterlocutorsModule } from '../interlocutors/interlocutors.module.js';
import { SubscribersModule } from '../subscribers/subscribers.module.js';
import { ProfilesController } from './profiles.controller.js';

@Module({ imports: [AuthModule, InterlocutorsModule, SubscribersModule], controllers: [ProfilesController] })
export class ProfilesModule {}
