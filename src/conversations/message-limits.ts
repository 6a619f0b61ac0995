import { Injectable } from '@nestjs/common';
import type { Principal } from '../auth/principal.js';
import { defineLimit, limitEvent, RateLimits } from '../platform/rate-limits.js';

/** Devices of an account that may send at full rate at the same time, however many it has. */
const devicesAtOnce = 2;
const receiptsPerMessage = 10;

const messages = limitEvent('message.send', {
  session: defineLimit('message', {
    points: ({ messagesPerMinute }) => messagesPerMinute,
    seconds: 60,
    keyedById: true,
  }),
  account: defineLimit('accountMessage', {
    points: ({ messagesPerMinute }) => messagesPerMinute * devicesAtOnce,
    seconds: 60,
    keyedById: true,
  }),
});
const receipts = limitEvent('receipt.send', {
  session: defineLimit('receipt', {
    points: ({ messagesPerMinute }) => messagesPerMinute * receiptsPerMessage,
    seconds: 60,
    keyedById: true,
  }),
  account: defineLimit('accountReceipt', {
    points: ({ messagesPerMinute }) => messagesPerMinute * receiptsPerMessage * devicesAtOnce,
    seconds: 60,
    keyedById: true,
  }),
});

/** Counts messages and receipts sent over HTTP; the dispatcher of a socket counts its events itself. */
@Injectable()
export class MessageLimits {
  constructor(private readonly rateLimits: RateLimits) {}

  /** @throws DomainError `rate_limited` */
  countMessage(principal: Principal): Promise<void> {
    return this.rateLimits.countSender(messages, principal);
  }

  /** @throws DomainError `rate_limited` */
  countReceipt(principal: Principal): Promise<void> {
    return this.rateLimits.countSender(receipts, principal);
  }
}
