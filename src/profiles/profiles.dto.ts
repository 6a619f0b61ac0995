import { ApiExtraModels } from '@nestjs/swagger';
import { IsIn, IsString, MaxLength } from 'class-validator';
import { InterlocutorPrincipalView, MemberPrincipalView, principalViews } from '../auth/sessions.dto.js';
import { type Locale, locales } from '../contract/common.js';
import type * as wire from '../contract/index.js';
import { limits } from '../contract/limits.js';
import { InterlocutorView, StatedNames } from '../interlocutors/interlocutors.dto.js';
import { ChangedSegment } from '../places/segments.js';
import { IsEmailAddress, IsPlainText, NormalisedEmail, Trimmed } from '../platform/validation/text.js';
import { Optional } from '../platform/validation/fields.js';
import { OneOf } from '../platform/validation/unions.js';
import { SubscriberView } from '../subscribers/subscribers.dto.js';

/** The own profile: with `subscriber` for a member, with `interlocutor` for an interlocutor. */
@ApiExtraModels(MemberPrincipalView, InterlocutorPrincipalView)
export class Profile implements wire.Profile {
  username: string;
  /** True once your address is confirmed, which signing in with it, password resets and notices require. */
  emailVerified: boolean;
  @IsIn(locales)
  locale: Locale;
  @OneOf('PrincipalView', principalViews)
  principal: wire.PrincipalView;
  /** Members only: the name that colleagues see. */
  displayName?: string | null;
  /** Members only: their own address; for an owner, that of the business. */
  email?: string | null;
  @Optional()
  subscriber?: SubscriberView;
  @Optional()
  interlocutor?: InterlocutorView;
}

/** Corrections by an interlocutor; fields that are left out stay. A person has names, a company a name and a type. */
export class InterlocutorChanges extends StatedNames implements wire.InterlocutorChanges {
  /** A new address must be verified; another spelling of the same address need not. */
  @Optional()
  @NormalisedEmail()
  @IsEmailAddress()
  email?: string;

  /** Your own password, required to change the address. An account can name five addresses in an hour. */
  @Optional()
  @IsString()
  @MaxLength(1_000)
  currentPassword?: string;

  /** Up to 60 characters; null or blank removes it. The same applies to the next two fields. */
  @ChangedSegment('region')
  region?: string | null;

  @ChangedSegment('province')
  province?: string | null;

  @ChangedSegment('sector')
  sector?: string | null;

  @Optional()
  @IsIn(locales)
  locale?: Locale;
}

/** Corrections by a member; fields that are left out stay. */
export class MemberChanges implements wire.MemberChanges {
  /** Name that colleagues see, up to 100 characters. */
  @Optional()
  @Trimmed()
  @IsPlainText({ max: limits.nameLength })
  displayName?: string;

  @Optional()
  @IsIn(locales)
  locale?: Locale;
}
