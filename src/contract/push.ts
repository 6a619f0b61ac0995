/** Fields are described at the DTO classes, which implement these types completely, and in openapi.json. */

export interface PushKeyView {
  publicKey: string;
}

export interface PushKeys {
  p256dh: string;
  auth: string;
}

/** A browser's `PushSubscription.toJSON()`. */
export interface NewPushSubscription {
  endpoint: string;
  keys: PushKeys;
  expirationTime?: number;
}

export interface PushSubscriptionView {
  renewedAt: string;
  wasKnown: boolean;
}

export const pushTestOutcomes = ['handed_over', 'gone', 'failed'] as const;
export type PushTestOutcome = (typeof pushTestOutcomes)[number];

export interface PushTest {
  outcome: PushTestOutcome;
}

/** Minutes after midnight. */
export interface QuietHours {
  from: number;
  to: number;
  timeZone: string;
}

export interface MutedConversation {
  conversationId: string;
  until: string | null;
}

export interface NotificationSettings {
  quietHours: QuietHours | null;
  muted: MutedConversation[];
}

export interface ChangedNotificationSettings {
  quietHours: QuietHours | null;
}

export interface NewMute {
  until: string | null;
}

/**
 * Content of a push, as JSON that spaces fill to one length: a push service sees neither it nor how long it is. It never
 * holds what people wrote, nor a person's name.
 */
export type PushPayload = MessagePush | TestPush;

export interface MessagePush {
  kind: 'message';
  /** Language of the account, in which the device words it. */
  locale: string;
  conversationId: string;
  /** Unread messages of the conversation. */
  count: number;
  /** Name of the business that has written; left out for members, whose notifications name nobody. */
  business?: string;
}

export interface TestPush {
  kind: 'test';
  locale: string;
}
