import { IsIn, IsOptional } from 'class-validator';
import { PrincipalView } from '../auth/sessions.dto.js';
import { InterlocutorView } from '../interlocutors/interlocutors.dto.js';
import { SubscriberView } from '../subscribers/subscribers.dto.js';

/** The own profile: with `subscriber` for a member, with `interlocutor` for an interlocutor. */
export class Profile {
  username: string;
  @IsIn(['it', 'en'])
  locale: string;
  principal: PrincipalView;
  @IsOptional()
  subscriber?: SubscriberView;
  @IsOptional()
  interlocutor?: InterlocutorView;
}
