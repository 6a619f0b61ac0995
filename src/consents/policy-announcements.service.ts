import { Inject, Injectable } from '@nestjs/common';
import { DataSource, type EntityManager } from 'typeorm';
import { Actions } from '../actions/actions.service.js';
import { AccountHolders } from '../auth/account-holders.service.js';
import { Accounts } from '../auth/accounts.service.js';
import { pathOf } from '../auth/pages.js';
import { policyAudiences, type PolicyAudience, type PolicyPurpose } from '../contract/consents.js';
import { type Config, CONFIG } from '../platform/config.js';
import { dayMilliseconds } from '../platform/durations.js';
import { defineJob } from '../platform/jobs/job-kinds.js';
import { Jobs } from '../platform/jobs/jobs.js';
import { defineMail } from '../platform/mail/mail-kinds.js';
import { Outbox } from '../platform/mail/outbox.js';
import { timeInWords } from '../platform/mail/times.js';
import { Policies, type PolicyDocument } from '../policies/policies.service.js';

const policyAnnounced = defineMail('policy_announced', 'policy', { priority: 'bulk' });

const announce = defineJob('policy.announce', { cron: '* * * * *', expireInSeconds: 300, exclusive: true });

/** Publications of these minutes go into one mail, and a host who publishes several policies writes once. */
const gatheredMinutes = 5;
const mailedAtOnce = 200;
/** Mails of one minute at most, so that others are not kept waiting. */
const mailedPerMinute = 1_000;
const mailDays = 30;

/** Mails everybody with a confirmed address, once, that policies change. Where it stopped, it goes on. */
@Injectable()
export class PolicyAnnouncements {
  private readonly origin: string;

  constructor(
    @Inject(CONFIG) { publicUrl }: Config,
    private readonly accounts: Accounts,
    private readonly actions: Actions,
    private readonly database: DataSource,
    private readonly holders: AccountHolders,
    private readonly outbox: Outbox,
    private readonly policies: Policies,
    jobs: Jobs,
  ) {
    this.origin = publicUrl.origin;
    jobs.handle(announce, async () => void (await this.tell()));
  }

  /** Posts the mails of a minute. @returns how many */
  async tell(now = new Date()): Promise<number> {
    await this.policies.refresh();
    await this.logPublications();
    const publishedUntil = new Date(now.getTime() - gatheredMinutes * 60_000);
    let posted = 0;
    for (const audience of policyAudiences) {
      for (let more = true; more && posted < mailedPerMinute;) {
        const step = await this.tellSome(audience, publishedUntil);
        posted += step.posted;
        more = step.more;
      }
    }
    return posted;
  }

  /** Writes new publications, once each, into the logs of all subscribers. */
  private async logPublications(): Promise<void> {
    await this.database.transaction(async (manager) => {
      const policyIds = await this.policies.claimUnlogged(manager);
      if (policyIds.length === 0) return;
      const subscribers = await manager.query<{ id: string }[]>('SELECT subscriber_id AS id FROM subscriber');
      for (const policyId of policyIds)
        for (const { id: subscriberId } of subscribers)
          await this.actions.record(manager, { subscriberId, memberId: null }, 'policy.published', policyId);
    });
  }

  /** Posts some mails and records the position, in one transaction, so that a crash repeats no mail. */
  private async tellSome(audience: PolicyAudience, until: Date): Promise<{ posted: number; more: boolean }> {
    return this.database.transaction(async (manager) => {
      const round = await this.policies.lockToTell(manager, audience, until);
      if (!round) return { posted: 0, more: false };
      const { publications, after } = round;
      const kind = audience === 'subscriber' ? 'member' : 'interlocutor';
      const ids = await this.accounts.confirmedAfter(manager, kind, { after, limit: mailedAtOnce });
      const owners = await ownersAmong(manager, kind === 'member' ? ids : []);
      for (const id of ids) {
        const concerned = publications.filter(({ purpose }) => purpose === 'privacy' || owners.has(id));
        if (concerned.length > 0)
          await this.mail(
            manager,
            id,
            concerned.map((each) => each.id),
          );
      }
      const more = ids.length === mailedAtOnce;
      await this.policies.noteTold(manager, publications, { upTo: ids.at(-1) ?? after, done: !more });
      return { posted: ids.length, more: true };
    });
  }

  private async mail(manager: EntityManager, accountId: string, publicationIds: readonly string[]): Promise<void> {
    const holder = await this.holders.find(accountId);
    if (!holder?.verified) return;
    const { kind, key, email: to, locale, username, timeZone } = holder;
    const documents = publicationIds.flatMap((id) => this.policies.ofPublication(id, locale) ?? []);
    const [first] = documents.sort((one, other) => one.effectiveAt.getTime() - other.effectiveAt.getTime());
    if (!first) return;
    const language = locale === 'it' ? 'it' : 'en';
    const isAccepted = documents.some(({ requiresAcceptance }) => requiresAcceptance);
    const values = {
      username,
      what: documents
        .map((each) => names[language][each.audience][each.purpose])
        .join(language === 'it' ? ' e ' : ' and '),
      effective: timeInWords(first.effectiveAt, { locale, timeZone: timeZone ?? 'UTC' }),
      changes: documents.map((each) => changesOf(each, language, documents.length > 1)).join(' '),
      ...(isAccepted && { acceptance: 'yes' }),
      url: `${this.origin}${pathOf(kind, 'agreed')}`,
    };
    const notAfter = new Date(Math.max(first.effectiveAt.getTime(), Date.now()) + mailDays * dayMilliseconds);
    await this.outbox.post(manager, { key, about: accountId, to, locale, mail: policyAnnounced, values, notAfter });
  }
}

const names: Record<'it' | 'en', Record<PolicyAudience, Record<PolicyPurpose, string>>> = {
  it: {
    subscriber: { terms: 'le condizioni del servizio', privacy: 'l’informativa sulla privacy del servizio' },
    interlocutor: { terms: 'le condizioni', privacy: 'l’informativa sulla privacy delle tue attività' },
  },
  en: {
    subscriber: { terms: 'the terms of service', privacy: 'the privacy notice of the service' },
    interlocutor: { terms: 'the terms', privacy: 'the privacy notice of your businesses' },
  },
};

function changesOf({ audience, purpose, changes }: PolicyDocument, language: 'it' | 'en', named: boolean): string {
  const name = names[language][audience][purpose];
  return named ? `${name[0]!.toUpperCase()}${name.slice(1)}: ${changes.join(' ')}` : changes.join(' ');
}

async function ownersAmong(manager: EntityManager, accountIds: readonly string[]): Promise<Set<string>> {
  const rows = await manager.query<{ id: string }[]>(
    `SELECT account_id AS id FROM member WHERE role = 'owner' AND account_id = ANY ($1::uuid[])`,
    [accountIds],
  );
  return new Set(rows.map(({ id }) => id));
}
