import { IsIn } from 'class-validator';
import type * as wire from '../contract/index.js';
import { type UnreadMailWait, unreadMailWaits } from '../contract/mail-settings.js';
import { Nullable } from '../platform/validation/fields.js';

export class MailSettings implements wire.MailSettings {
  /**
   * Minutes after which one mail tells of unread messages, without their text: 15, 60 (the default) or 1440 (a day). Null turns
   * these mails off. They go only to a confirmed address, and only while a device is signed in.
   */
  @Nullable()
  @IsIn(unreadMailWaits)
  unreadAfterMinutes: UnreadMailWait | null;
}
