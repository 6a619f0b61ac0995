import { Body, Controller, Delete, Get, HttpCode, Post } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { Principal } from '../auth/principal.js';
import { Caller } from '../auth/session.guard.js';
import { PushKey } from '../platform/vault/push-key.js';
import { PushSubscriptions } from './push-subscriptions.service.js';
import { PushTests } from './push-tests.service.js';
import { NewPushSubscription, PushKeyView, PushSubscriptionView, PushTest } from './push.dto.js';

@ApiTags('notifications')
@Controller()
export class PushController {
  constructor(
    private readonly key: PushKey,
    private readonly subscriptions: PushSubscriptions,
    private readonly tests: PushTests,
  ) {}

  /** The key that a browser needs to subscribe to notifications. A subscription made with another key must be made again. */
  @Get('push-key')
  readKey(): PushKeyView {
    return { publicKey: this.key.publicKey };
  }

  /**
   * Have this device get notifications. Send what the browser's subscription is at every opening of the app: after 30 days
   * without one the device gets none any more. A session has one subscription, which ends with it; a device that another
   * session had is this session's from now on. At most 60 in an hour.
   */
  @Post('push-subscriptions')
  subscribe(@Caller() principal: Principal, @Body() subscription: NewPushSubscription): Promise<PushSubscriptionView> {
    return this.subscriptions.subscribe(principal, subscription);
  }

  /** Have this device get no more notifications. After the answer none is handed to its push service. */
  @Delete('push-subscriptions/current')
  @HttpCode(204)
  async unsubscribe(@Caller() principal: Principal): Promise<void> {
    await this.subscriptions.unsubscribe(principal);
  }

  /** Send a test notification to this device, at most 5 in ten minutes. The answer says whether its push service has taken it. */
  @Post('push-subscriptions/test')
  @HttpCode(200)
  test(@Caller() principal: Principal): Promise<PushTest> {
    return this.tests.push(principal);
  }
}
