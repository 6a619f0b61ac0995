import { IsIn, IsString, MaxLength } from 'class-validator';
import { limits } from '../contract/limits.js';
import { Page } from '../platform/validation/page.dto.js';
import { IsPlainText, Trimmed } from '../platform/validation/text.js';
import { Optional } from '../platform/validation/fields.js';

export class SignIn {
  /** The username, or an email address that the account has verified. */
  @IsString()
  @MaxLength(limits.emailLength)
  username: string;

  @IsString()
  @MaxLength(1_000)
  password: string;

  /** What the person calls this device, to recognise it in the list of devices. */
  @Optional()
  @Trimmed()
  @IsPlainText({ max: limits.deviceLength })
  device?: string;
}

export class ListSessions extends Page {}

export class PrincipalView {
  @IsIn(['member', 'interlocutor'])
  kind: 'member' | 'interlocutor';
  subscriberId?: string;
  memberId?: string;
  role?: 'owner' | 'staff';
  interlocutorId?: string;
}

export class SessionView {
  id: string;
  /** An opaque secret of 256 bits, told only here. */
  token: string;
  expiresAt: string;
}

export class SignedIn extends SessionView {
  principal: PrincipalView;
}

export class DeviceView {
  id: string;
  device: string | null;
  createdAt: string;
  lastUsedAt: string;
  /** Whether it is the session that asks. */
  current: boolean;
}

export class DeviceList {
  items: DeviceView[];
  nextCursor: string | null;
}
