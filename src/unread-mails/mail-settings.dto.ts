import { IsIn, ValidateIf } from 'class-validator';
import type * as wire from '../contract/index.js';
import { type UnreadMailWait, unreadMailWaits } from '../contract/mail-settings.js';

export class MailSettings implements wire.MailSettings {
  /**
   * After so many minutes unread messages are told of by one mail without their text: 15, 60 (the default) or 1440 (a day).
   * Null for no such mails. They go to a confirmed address alone, and only while a device is signed in.
   */
  @ValidateIf((_, value) => value !== null)
  @IsIn(unreadMailWaits)
  unreadAfterMinutes: UnreadMailWait | null;
}
