import { ApiExtraModels } from '@nestjs/swagger';
import { Type } from 'class-transformer';
import { IsBoolean, IsIn, IsString, MaxLength } from 'class-validator';
import { type MemberRole, memberRoles } from '../contract/accounts.js';
import type * as wire from '../contract/index.js';
import { limits } from '../contract/limits.js';
import { Page } from '../platform/validation/page.dto.js';
import { IsPlainText, Trimmed } from '../platform/validation/text.js';
import { Optional } from '../platform/validation/fields.js';
import { OneOf } from '../platform/validation/unions.js';

export class SignIn implements wire.SignIn {
  /** The username, or an email address that the account has verified. */
  @IsString()
  @MaxLength(limits.emailLength)
  username: string;

  @IsString()
  @MaxLength(1_000)
  password: string;

  /** The person's name for this device, to recognise it in the list of devices. */
  @Optional()
  @Trimmed()
  @IsPlainText({ max: limits.deviceLength })
  device?: string;

  /** True on a shared device: the cookie ends with the browser, and the session after 12 hours without use. */
  @Optional()
  @IsBoolean()
  shared?: boolean;
}

/** A code that carries this sign-in into another program on the same device. */
export class CarryCodeView implements wire.CarryCode {
  /** An opaque secret of 256 bits, valid once. */
  code: string;
  /** Time until which it is valid, 15 minutes from now, unless this session ends before. */
  expiresAt: string;
}

export class CarriedSignIn implements wire.CarriedSignIn {
  @IsString()
  @MaxLength(100)
  code: string;

  /** The person's name for the new session, to recognise it in the list of devices. */
  @Optional()
  @Trimmed()
  @IsPlainText({ max: limits.deviceLength })
  device?: string;
}

export class ListSessions extends Page {}

/** A member, who acts for its subscriber. */
export class MemberPrincipalView implements wire.MemberPrincipalView {
  @IsIn(['member'])
  kind: 'member';
  subscriberId: string;
  memberId: string;
  @IsIn(memberRoles)
  role: MemberRole;
}

export class InterlocutorPrincipalView implements wire.InterlocutorPrincipalView {
  @IsIn(['interlocutor'])
  kind: 'interlocutor';
  interlocutorId: string;
}

export const principalViews = { member: MemberPrincipalView, interlocutor: InterlocutorPrincipalView };

export class SessionView implements wire.SessionView {
  id: string;
  /** An opaque secret of 256 bits, returned only here. */
  token: string;
  expiresAt: string;
}

@ApiExtraModels(MemberPrincipalView, InterlocutorPrincipalView)
export class SignedIn extends SessionView implements wire.SignedIn {
  @OneOf('PrincipalView', principalViews)
  principal: wire.PrincipalView;
}

/** Notifications that this device gets. */
export class DevicePush implements wire.DevicePush {
  /**
   * Time at which the device's push service last took a notification; null before the first. The push service decides when it
   * is shown.
   */
  lastHandedOverAt: string | null;
}

export class DeviceView implements wire.DeviceView {
  id: string;
  device: string | null;
  createdAt: string;
  lastUsedAt: string;
  /** True on a shared device, whose session ends after 12 hours without use. */
  shared: boolean;
  /** True for the session of this request. */
  current: boolean;
  /** Null if the device gets no notifications. */
  @Type(() => DevicePush)
  push: DevicePush | null;
}

export class DeviceList implements wire.DeviceList {
  items: DeviceView[];
  nextCursor: string | null;
}
