import { randomBytes } from 'node:crypto';
import { Inject, Injectable } from '@nestjs/common';
import { InjectRepository } from '@nestjs/typeorm';
import qrcode from 'qrcode';
import { type EntityManager, LessThan, type Repository } from 'typeorm';
import { v7 as uuid } from 'uuid';
import type { MemberPrincipal } from '../auth/principal.js';
import { Consents } from '../consents/consents.service.js';
import type { ErrorCode } from '../contract/errors.js';
import { limits } from '../contract/limits.js';
import { type Config, CONFIG, isLoopback } from '../platform/config.js';
import { decodeCursor, encodeCursor } from '../platform/cursors.js';
import { Outbox } from '../platform/mail/outbox.js';
import { DomainError, NotFound, ValidationFailed } from '../platform/problems/domain-error.js';
import { Vault } from '../platform/vault/vault.js';
import { Subscribers } from '../subscribers/subscribers.service.js';
import { Invitation } from './invitation.entity.js';
import type { InvitationList, InvitationView, ListInvitations, NewInvitation } from './invitations.dto.js';

const codeBytes = 16;
const dayMilliseconds = 24 * 60 * 60 * 1000;

type State = InvitationView['state'];

@Injectable()
export class Invitations {
  private readonly address: string;
  private readonly onlyHere: boolean;

  constructor(
    @InjectRepository(Invitation) private readonly invitations: Repository<Invitation>,
    @Inject(CONFIG) config: Config,
    private readonly consents: Consents,
    private readonly outbox: Outbox,
    private readonly subscribers: Subscribers,
    private readonly vault: Vault,
  ) {
    this.address = `${config.publicUrl.origin}/join/`;
    this.onlyHere = isLoopback(config.publicUrl.hostname);
  }

  /** @throws ConsentRequired, ValidationFailed */
  async create(member: MemberPrincipal, wanted: NewInvitation): Promise<InvitationView> {
    const { subscriberId, memberId } = member;
    const subscriber = await this.subscribers.get(subscriberId);
    this.consents.requireOfSubscriber(subscriber);
    const { email, expiresAt, maxUses } = termsOf(wanted);
    const id = uuid();
    const code = randomBytes(codeBytes).toString('base64url');
    const key = { scope: 'contact', id } as const;
    if (email !== undefined) await this.vault.createKeys(key);
    const invitation: Invitation = {
      subscriberId,
      id,
      kind: wanted.kind,
      code: await this.vault.seal({ scope: 'subscriber', id: subscriberId }, code, codeContext(subscriberId, id)),
      codeHash: this.codeHash(code),
      email: email === undefined ? null : await this.vault.seal(key, email, emailContext(subscriberId, id)),
      uses: 0,
      maxUses,
      createdBy: memberId,
      createdAt: new Date(),
      expiresAt,
      revokedAt: null,
    };
    await this.invitations.manager.transaction(async (manager) => {
      await manager.insert(Invitation, invitation);
      if (email === undefined) return;
      await this.outbox.post(manager, {
        key,
        to: email,
        locale: wanted.locale ?? subscriber.locale,
        template: 'invitation',
        values: { businessName: subscriber.businessName, url: this.address + code },
        notAfter: expiresAt!,
      });
    });
    return this.view(invitation, code, email);
  }

  /** The invitations of the member's subscriber, newest first. */
  async list({ subscriberId }: MemberPrincipal, { cursor, limit }: ListInvitations): Promise<InvitationList> {
    const before = cursor === undefined ? {} : { id: LessThan(String(decodeCursor(cursor, ['string'])[0])) };
    const found = await this.invitations.find({
      where: { subscriberId, ...before },
      order: { id: 'DESC' },
      take: limit + 1,
    });
    const items = await Promise.all(found.slice(0, limit).map((invitation) => this.open(invitation)));
    return { items, nextCursor: found.length > limit ? encodeCursor([items.at(-1)!.id]) : null };
  }

  /** @throws NotFound */
  async get({ subscriberId }: MemberPrincipal, id: string): Promise<InvitationView> {
    const invitation = await this.invitations.findOneBy({ subscriberId, id });
    if (!invitation) throw new NotFound();
    return this.open(invitation);
  }

  /** The link as a QR code, in SVG. */
  async qrCode(member: MemberPrincipal, id: string): Promise<string> {
    const { url } = await this.get(member, id);
    return qrcode.toString(url, { type: 'svg', errorCorrectionLevel: 'M', margin: 4 });
  }

  /**
   * From here on nobody can join with it. Of a personal one that nobody used, the invited person's data go at once.
   * @throws NotFound
   */
  async revoke({ subscriberId }: MemberPrincipal, id: string): Promise<void> {
    const { manager } = this.invitations;
    const unused = await manager.transaction(async (transaction) => {
      const invitation = await transaction.findOne(Invitation, {
        where: { subscriberId, id },
        lock: { mode: 'pessimistic_write' },
      });
      if (!invitation) throw new NotFound();
      if (invitation.revokedAt) return false;
      await transaction.update(Invitation, { subscriberId, id }, { revokedAt: new Date() });
      if (invitation.kind === 'open' || invitation.uses > 0) return false;
      await transaction.update(Invitation, { subscriberId, id }, { email: null });
      await this.outbox.withdraw(transaction, { scope: 'contact', id });
      return true;
    });
    if (unused) await this.vault.destroyKeys({ scope: 'contact', id });
  }

  /** @throws NotFound for a code that never was one */
  async byCode(code: string): Promise<Invitation> {
    const invitation = await this.invitations.findOneBy({ codeHash: this.codeHash(code) });
    if (!invitation) throw new NotFound();
    return invitation;
  }

  /** @throws DomainError that says whether it was revoked, has expired or is used up */
  requireActive(invitation: Invitation): void {
    const state = stateOf(invitation);
    if (state !== 'active') throw new DomainError(refusals[state].code, { detail: refusals[state].detail });
  }

  /**
   * Counts one who joins, as long as the invitation holds; two cannot take the last place.
   * @throws DomainError as {@link requireActive}
   */
  async use(manager: EntityManager, { subscriberId, id }: Invitation): Promise<void> {
    const [, taken] = await manager.query<[unknown, number]>(
      `UPDATE invitation SET uses = uses + 1
       WHERE subscriber_id = $1 AND id = $2 AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > $3)
         AND (max_uses IS NULL OR uses < max_uses)`,
      [subscriberId, id, new Date()],
    );
    if (taken > 0) return;
    this.requireActive(await manager.findOneByOrFail(Invitation, { subscriberId, id }));
    throw new DomainError('unavailable');
  }

  private async open(invitation: Invitation): Promise<InvitationView> {
    const { subscriberId, id, code, email } = invitation;
    return this.view(
      invitation,
      await this.vault.open({ scope: 'subscriber', id: subscriberId }, code, codeContext(subscriberId, id)),
      email ? await this.vault.open({ scope: 'contact', id }, email, emailContext(subscriberId, id)) : undefined,
    );
  }

  private view(invitation: Invitation, code: string, email: string | undefined): InvitationView {
    const { id, kind, uses, maxUses, expiresAt, createdAt } = invitation;
    return {
      id,
      kind,
      code,
      url: this.address + code,
      ...(email !== undefined && { email }),
      ...(expiresAt && { expiresAt: expiresAt.toISOString() }),
      ...(maxUses !== null && { maxUses }),
      uses,
      state: stateOf(invitation),
      createdAt: createdAt.toISOString(),
      ...(this.onlyHere && { notice: 'PUBLIC_URL is localhost: only this machine can open the link.' }),
    };
  }

  private codeHash(code: string): Buffer {
    return this.vault.lookupHash('invitation', code);
  }
}

const refusals: Record<Exclude<State, 'active'>, { code: ErrorCode; detail: string }> = {
  revoked: {
    code: 'invitation_revoked',
    detail: 'This invitation was withdrawn by the business. Ask it for a new one.',
  },
  expired: { code: 'invitation_expired', detail: 'This invitation is out of date. Ask the business for a new one.' },
  used: { code: 'invitation_used', detail: 'This invitation has been used. Ask the business for a new one.' },
};

function stateOf({ revokedAt, expiresAt, uses, maxUses }: Invitation): State {
  if (revokedAt) return 'revoked';
  if (maxUses !== null && uses >= maxUses) return 'used';
  return expiresAt && expiresAt <= new Date() ? 'expired' : 'active';
}

/** A personal invitation is for one, for 14 days; an open one for whom and how long the subscriber says. */
function termsOf({ kind, email, maxUses, expiresAt }: NewInvitation) {
  const personal = kind === 'personal';
  const now = Date.now();
  const foreign = personal ? (maxUses ?? expiresAt) : email;
  if (foreign !== undefined) {
    const field = personal ? (maxUses === undefined ? 'expiresAt' : 'maxUses') : 'email';
    const message = `${field} does not go with an invitation of this kind.`;
    throw new ValidationFailed([{ field, code: 'exclusive', message }]);
  }
  if (expiresAt !== undefined && new Date(expiresAt).getTime() <= now) {
    throw new ValidationFailed([{ field: 'expiresAt', code: 'in_the_past', message: 'expiresAt is in the past.' }]);
  }
  return {
    email,
    maxUses: personal ? 1 : (maxUses ?? null),
    expiresAt: personal
      ? new Date(now + limits.personalInvitationDays * dayMilliseconds)
      : expiresAt
        ? new Date(expiresAt)
        : null,
  };
}

const codeContext = (subscriberId: string, id: string) => ['invitation', subscriberId, id, 'code'];
const emailContext = (subscriberId: string, id: string) => ['invitation', subscriberId, id, 'email'];
