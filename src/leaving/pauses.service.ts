import { Injectable } from '@nestjs/common';
import { Actions } from '../actions/actions.service.js';
import type { MemberPrincipal } from '../auth/principal.js';
import { Profiles } from '../profiles/profiles.service.js';
import { subscriberView } from '../subscribers/subscriber-view.js';
import type { SubscriberView } from '../subscribers/subscribers.dto.js';
import { Subscribers } from '../subscribers/subscribers.service.js';

/** Businesses that pause: all is kept, and nothing is sent or received. */
@Injectable()
export class Pauses {
  constructor(
    private readonly actions: Actions,
    private readonly profiles: Profiles,
    private readonly subscribers: Subscribers,
  ) {}

  async set(owner: MemberPrincipal, paused: boolean): Promise<SubscriberView> {
    const { subscriberId } = owner;
    const changed = await this.profiles.commitOfSubscriber(subscriberId, async (manager) => {
      const switched = await this.subscribers.pause(manager, subscriberId, paused);
      if (switched) await this.actions.record(manager, owner, paused ? 'subscriber.paused' : 'subscriber.resumed');
      return switched;
    });
    if (changed) await this.profiles.tellOfSubscriber(subscriberId);
    return subscriberView(await this.subscribers.get(subscriberId), await this.subscribers.hasLogo(subscriberId));
  }
}
