import { Controller, Get } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import { Accounts } from '../auth/accounts.service.js';
import { isMember, type Principal } from '../auth/principal.js';
import { principalView } from '../auth/principal-view.js';
import { Caller } from '../auth/session.guard.js';
import { interlocutorView } from '../interlocutors/interlocutor-view.js';
import { Interlocutors } from '../interlocutors/interlocutors.service.js';
import { subscriberView } from '../subscribers/subscriber-view.js';
import { Subscribers } from '../subscribers/subscribers.service.js';
import { Profile } from './profiles.dto.js';

@ApiTags('profile')
@Controller('me')
export class ProfilesController {
  constructor(
    private readonly accounts: Accounts,
    private readonly interlocutors: Interlocutors,
    private readonly subscribers: Subscribers,
  ) {}

  /** The own profile. */
  @Get()
  async mine(@Caller() principal: Principal): Promise<Profile> {
    const username = await this.accounts.username(principal);
    const own = { username, locale: principal.locale, principal: principalView(principal) };
    if (!isMember(principal)) {
      const stated = await this.interlocutors.get(principal.interlocutorId);
      return { ...own, interlocutor: interlocutorView(principal.interlocutorId, username, stated) };
    }
    const subscriber = await this.subscribers.get(principal.subscriberId);
    return { ...own, subscriber: subscriberView(subscriber, await this.subscribers.hasLogo(subscriber.id)) };
  }
}
