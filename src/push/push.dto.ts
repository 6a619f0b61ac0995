import { createPublicKey } from 'node:crypto';
import { Type } from 'class-transformer';
import { IsIn, IsInt, Max, Min } from 'class-validator';
import type * as wire from '../contract/index.js';
import { limits } from '../contract/limits.js';
import { type PushTestOutcome, pushTestOutcomes } from '../contract/push.js';
import type { Fault } from '../platform/problems/field-error.js';
import { IsPart, IsTime, Nullable, Optional } from '../platform/validation/fields.js';
import { Rule } from '../platform/validation/rule.js';
import { IsTimeZone } from '../subscribers/time-zones.js';

const lastMinute = 24 * 60 - 1;

export class PushKeyView implements wire.PushKeyView {
  /** The `applicationServerKey` for `PushManager.subscribe`: an uncompressed point of P-256, in base64url (RFC 8292). */
  publicKey: string;
}

export class PushKeys implements wire.PushKeys {
  /** The browser's public key: an uncompressed point of P-256, in base64url. */
  @Rule('isPushPublicKey', publicKeyFault)
  p256dh: string;

  /** The browser's secret of 16 bytes, in base64url. */
  @Rule('isPushSecret', secretFault)
  auth: string;
}

/** A subscription as the browser's `PushSubscription.toJSON()` gives it. */
export class NewPushSubscription implements wire.NewPushSubscription {
  /** The https address of a public push service, at most 2,048 characters. */
  @Rule('isPushEndpoint', endpointFault)
  endpoint: string;

  @IsPart(() => PushKeys)
  keys: PushKeys;

  /** Accepted but not used: a device is forgotten when its push service no longer knows it. */
  @Optional()
  @IsInt()
  @Min(0)
  @Max(Number.MAX_SAFE_INTEGER)
  expirationTime?: number;
}

export class PushSubscriptionView implements wire.PushSubscriptionView {
  renewedAt: string;
  /**
   * False when this session did not have this very subscription until now. If you have sent it before, its push service has
   * ended it, whatever the browser says: unsubscribe, subscribe again and send the new subscription.
   */
  wasKnown: boolean;
}

/** Outcome of a test notification. */
export class PushTest implements wire.PushTest {
  /**
   * `handed_over`: the push service has taken it, and shows it when it reaches the device. `gone`: the push service knows this
   * device no more, so subscribe again. `failed`: the push service did not take it; try again later.
   */
  @IsIn(pushTestOutcomes)
  outcome: PushTestOutcome;
}

export class QuietHours implements wire.QuietHours {
  /** Minutes after midnight, from 0 to 1439. */
  @IsInt()
  @Min(0)
  @Max(lastMinute)
  from: number;

  /** Minutes after midnight; before `from` if the quiet hours pass midnight. */
  @IsInt()
  @Min(0)
  @Max(lastMinute)
  to: number;

  /** A name of the IANA database, such as Europe/Rome. */
  @IsTimeZone()
  timeZone: string;
}

export class ChangedNotificationSettings implements wire.ChangedNotificationSettings {
  /** Null for none. */
  @Nullable()
  @IsPart(() => QuietHours)
  quietHours: QuietHours | null;
}

export class NewMute implements wire.NewMute {
  /** ISO 8601 with an offset or Z; null until you unmute it. */
  @Nullable()
  @IsTime()
  until: string | null;
}

export class MutedConversation implements wire.MutedConversation {
  conversationId: string;
  /** Null until it is unmuted. */
  until: string | null;
}

export class NotificationSettings implements wire.NotificationSettings {
  /** Hours in which your devices get no notifications; those still pending are sent when the hours end. Null for none. */
  @Type(() => QuietHours)
  quietHours: QuietHours | null;
  /** The conversations for which you get no notifications, at most 500; this does not affect other members. */
  @Type(() => MutedConversation)
  muted: MutedConversation[];
}

function endpointFault(value: unknown): Fault | undefined {
  if (typeof value !== 'string') return { code: 'not_text' };
  if (value.length > limits.pushEndpointLength) {
    return { code: 'too_long', values: { limit: limits.pushEndpointLength } };
  }
  return URL.canParse(value) && value.startsWith('https://') ? undefined : { code: 'not_a_push_service' };
}

function publicKeyFault(value: unknown): Fault | undefined {
  const point = bytesOf(value, 65);
  if (!point) return { code: 'invalid_format' };
  const [x, y] = [point.subarray(1, 33), point.subarray(33)].map((part) => part.toString('base64url'));
  try {
    // Refuses a point that is not on the curve, with which nothing could be encrypted.
    createPublicKey({ key: { kty: 'EC', crv: 'P-256', x: x!, y: y! }, format: 'jwk' });
  } catch {
    return { code: 'invalid_format' };
  }
  return point[0] === 4 ? undefined : { code: 'invalid_format' };
}

function secretFault(value: unknown): Fault | undefined {
  return bytesOf(value, 16) ? undefined : { code: 'invalid_format' };
}

/** So many bytes from base64url, with or without padding. */
function bytesOf(value: unknown, length: number): Buffer | undefined {
  if (typeof value !== 'string' || value.length > 2 * length || !/^[A-Za-z0-9_-]+={0,2}$/.test(value)) return undefined;
  const bytes = Buffer.from(value, 'base64url');
  return bytes.length === length ? bytes : undefined;
}
