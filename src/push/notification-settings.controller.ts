import { Body, Controller, Delete, Get, HttpCode, Put } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { Principal } from '../auth/principal.js';
import { Caller } from '../auth/session.guard.js';
import { Id } from '../platform/validation/id.js';
import { NotificationPreferences } from './notification-preferences.service.js';
import { ChangedNotificationSettings, MutedConversation, NewMute, NotificationSettings } from './push.dto.js';

@ApiTags('notifications')
@Controller()
export class NotificationSettingsController {
  constructor(private readonly preferences: NotificationPreferences) {}

  /** Your quiet hours and the conversations that you have muted. They apply to all of your devices, and to nobody else. */
  @Get('notification-settings')
  read(@Caller() principal: Principal): Promise<NotificationSettings> {
    return this.preferences.read(principal);
  }

  /** Set your quiet hours, or end them with null. */
  @Put('notification-settings')
  change(@Caller() principal: Principal, @Body() settings: ChangedNotificationSettings): Promise<NotificationSettings> {
    return this.preferences.change(principal, settings);
  }

  /**
   * Mute a conversation until a time, or until you unmute it: your devices get no notifications about it, and its unread
   * messages still count. You can mute at most 500.
   */
  @Put('conversations/:id/mute')
  mute(@Caller() principal: Principal, @Id() id: string, @Body() { until }: NewMute): Promise<MutedConversation> {
    return this.preferences.mute(principal, id, until);
  }

  /** Unmute a conversation. */
  @Delete('conversations/:id/mute')
  @HttpCode(204)
  async unmute(@Caller() principal: Principal, @Id() id: string): Promise<void> {
    await this.preferences.unmute(principal, id);
  }
}
