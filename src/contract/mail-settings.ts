/** Minutes for which messages are unread before a mail says so; null for no such mails. */
export const unreadMailWaits = [15, 60, 1440] as const;
export type UnreadMailWait = (typeof unreadMailWaits)[number];

/** Fields are described at the DTO class, which implements this type whole, and so in openapi.json. */
export interface MailSettings {
  unreadAfterMinutes: UnreadMailWait | null;
}
