import { Inject, Injectable } from '@nestjs/common';
import { DataSource } from 'typeorm';
import { AccountHolders } from '../auth/account-holders.service.js';
import { type Page, pathOf } from '../auth/pages.js';
import type { Locale } from '../contract/common.js';
import type { LegalReason, RequestKind } from '../contract/rights.js';
import { Interlocutors } from '../interlocutors/interlocutors.service.js';
import { Member } from '../members/member.entity.js';
import { type Config, CONFIG } from '../platform/config.js';
import { dayMilliseconds } from '../platform/durations.js';
import { defineJob } from '../platform/jobs/job-kinds.js';
import { Jobs } from '../platform/jobs/jobs.js';
import { defineMail, type MailKind } from '../platform/mail/mail-kinds.js';
import { Outbox } from '../platform/mail/outbox.js';
import { timeInWords } from '../platform/mail/times.js';
import { Subscribers } from '../subscribers/subscribers.service.js';
import { RightsRequest } from './rights-request.entity.js';

/** Mails about a request, to the owner of the business or to the person. */
const ofRequests = {
  received: { mail: defineMail('request_received', 'rights'), to: 'owner' },
  due: { mail: defineMail('request_due', 'rights'), to: 'owner' },
  answered: { mail: defineMail('request_answered', 'rights'), to: 'person' },
  extended: { mail: defineMail('request_extended', 'rights'), to: 'person' },
} as const;

/** The same about requests for erasure, which are carried out without an answer. */
const ofErasures: Partial<typeof ofRequests> = {
  received: { mail: defineMail('deletion_received', 'rights'), to: 'owner' },
  due: { mail: defineMail('deletion_due', 'rights'), to: 'owner' },
  answered: { mail: defineMail('deletion_refused', 'rights'), to: 'person' },
};

const legalReasonsInWords: Record<Locale, Record<LegalReason, string>> = {
  it: {
    expression: 'libertà di espressione e di informazione, art. 17(3)(a) GDPR',
    legal_obligation: 'obbligo di legge, art. 17(3)(b) GDPR',
    public_health: 'sanità pubblica, art. 17(3)(c) GDPR',
    archiving: 'archiviazione nel pubblico interesse, art. 17(3)(d) GDPR',
    legal_claims: 'difesa di un diritto in sede giudiziaria, art. 17(3)(e) GDPR',
  },
  en: {
    expression: 'freedom of expression and information, Art. 17(3)(a) GDPR',
    legal_obligation: 'a legal obligation, Art. 17(3)(b) GDPR',
    public_health: 'public health, Art. 17(3)(c) GDPR',
    archiving: 'archiving in the public interest, Art. 17(3)(d) GDPR',
    legal_claims: 'legal claims, Art. 17(3)(e) GDPR',
  },
};

/** Mails about the restriction of a conversation, to the party that has not set it. */
const ofRestrictions = {
  asked: { mail: defineMail('restriction_asked', 'rights'), to: 'owner' },
  set: { mail: defineMail('restriction_set', 'rights'), to: 'person' },
  lifted: { mail: defineMail('restriction_lifted', 'rights'), to: 'person' },
} as const;

/** Added in the transaction that causes the mail. */
export const mailOfRequest = defineJob<{ subscriberId: string; id: string; what: keyof typeof ofRequests }>(
  'request.mail',
);
export const mailOfRestriction = defineJob<{
  subscriberId: string;
  contactId: string;
  what: keyof typeof ofRestrictions;
}>('restriction.mail');

const noticeDays = 3;

const kindsInWords: Record<Locale, Record<RequestKind, string>> = {
  it: {
    access: 'informazioni sui propri dati',
    rectification: 'una rettifica',
    restriction: 'la limitazione della conversazione',
    objection: 'opposizione al trattamento',
    promotions_objection: 'opposizione alle promozioni',
    erasure: 'la cancellazione',
  },
  en: {
    access: 'information about their data',
    rectification: 'a correction',
    restriction: 'the restriction of the conversation',
    objection: 'objection to the processing',
    promotions_objection: 'objection to promotions',
    erasure: 'erasure',
  },
};

/** Mails to the owner of a business and to its contacts, where their addresses are verified. They name no other person. */
@Injectable()
export class Notices {
  private readonly origin: string;

  constructor(
    @Inject(CONFIG) { publicUrl }: Config,
    private readonly database: DataSource,
    private readonly holders: AccountHolders,
    private readonly interlocutors: Interlocutors,
    private readonly outbox: Outbox,
    private readonly subscribers: Subscribers,
    jobs: Jobs,
  ) {
    this.origin = publicUrl.origin;
    jobs.handle(mailOfRequest, ({ subscriberId, id, what }) => this.tellOfRequest(subscriberId, id, what));
    jobs.handle(mailOfRestriction, ({ subscriberId, contactId, what }) =>
      this.tellOfRestriction(subscriberId, contactId, what),
    );
  }

  private async tellOfRequest(subscriberId: string, id: string, what: keyof typeof ofRequests): Promise<void> {
    const request = await this.database.manager.findOneBy(RightsRequest, { subscriberId, id });
    if (!request || (what === 'due' && request.state !== 'open')) return;
    const { contactId, kind, dueAt, askedAt, legalReason } = request;
    const { mail, to } = (kind === 'erasure' && ofErasures[what]) || ofRequests[what];
    const accountId = await this.accountOf(to, subscriberId, contactId);
    await this.send(
      mail,
      accountId,
      subscriberId,
      ({ locale, timeZone }) => ({
        kind: kindsInWords[locale === 'it' ? 'it' : 'en'][kind],
        asked: timeInWords(askedAt, { locale, timeZone }),
        legalReason: legalReason ? legalReasonsInWords[locale === 'it' ? 'it' : 'en'][legalReason] : '',
        due: dueAt ? timeInWords(dueAt, { locale, timeZone }) : '',
      }),
      ['request', id],
    );
  }

  private async tellOfRestriction(
    subscriberId: string,
    contactId: string,
    what: keyof typeof ofRestrictions,
  ): Promise<void> {
    const { mail, to } = ofRestrictions[what];
    const accountId = await this.accountOf(to, subscriberId, contactId);
    await this.send(mail, accountId, subscriberId, () => ({}), ['conversation', contactId]);
  }

  private async send(
    mail: MailKind,
    accountId: string | undefined,
    subscriberId: string,
    valuesIn: (language: { locale: string; timeZone: string | undefined }) => Record<string, string>,
    [page, id]: [Page, string],
  ): Promise<void> {
    const holder = accountId && (await this.holders.find(accountId));
    if (!holder || !holder.verified) return;
    const { businessName } = await this.subscribers.get(subscriberId);
    const { kind, key, email, locale, timeZone } = holder;
    const url = `${this.origin}${pathOf(kind, page, id)}`;
    const values = { businessName, ...valuesIn({ locale, timeZone }), url };
    const notAfter = new Date(Date.now() + noticeDays * dayMilliseconds);
    await this.database.transaction((manager) =>
      this.outbox.post(manager, { key, about: accountId, to: email, locale, mail, values, notAfter }),
    );
  }

  private async accountOf(
    to: 'owner' | 'person',
    subscriberId: string,
    contactId: string,
  ): Promise<string | undefined> {
    if (to === 'person') return this.interlocutors.accountOfContact(subscriberId, contactId);
    const owner = await this.database.manager.findOneBy(Member, { subscriberId, role: 'owner' });
    return owner?.accountId ?? undefined;
  }
}
