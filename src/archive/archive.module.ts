import { Module } from '@nestjs/common';
import { AttachmentsModule } from '../attachments/attachments.module.js';
import { ChangeFeedModule } from '../change-feed/change-feed.module.js';
import { ChangeFeed } from '../change-feed/change-feed.service.js';
import { ConversationsModule } from '../conversations/conversations.module.js';
import { MembersModule } from '../members/members.module.js';
import { Forgetting } from '../platform/forgetting/forgetting.js';
import { defineJob } from '../platform/jobs/job-kinds.js';
import { Jobs } from '../platform/jobs/jobs.js';
import { ArchiveController } from './archive.controller.js';
import { ArchivePool } from './archive-pool.service.js';
import { Archive } from './archive.service.js';
import { KeyRenewals } from './key-renewals.service.js';
import { SearchIndex, searchEntries } from './search-index.service.js';
import { SearchKeys, searchKeys } from './search-keys.service.js';
import { SearchMonths } from './search-months.service.js';
import { SearchTokens } from './search-tokens.service.js';

/** A renewal works for a few minutes at a time, so that it never gets in the way of much. */
const renewKeys = defineJob('archive.renewKeys', { cron: '41 * * * *' });
const renewingMilliseconds = 5 * 60 * 1000;
const prepareMonths = defineJob('archive.prepareMonths', { cron: '23 3 * * *' });

@Module({
  imports: [AttachmentsModule, ChangeFeedModule, ConversationsModule, MembersModule],
  controllers: [ArchiveController],
  providers: [Archive, ArchivePool, KeyRenewals, SearchIndex, SearchKeys, SearchMonths, SearchTokens],
})
export class ArchiveModule {
  constructor(
    changes: ChangeFeed,
    forgetting: Forgetting,
    index: SearchIndex,
    jobs: Jobs,
    months: SearchMonths,
    renewals: KeyRenewals,
  ) {
    forgetting.register(searchEntries, searchKeys);
    changes.consume(index);
    jobs.handle(renewKeys, () => renewals.workFor(renewingMilliseconds));
    jobs.handle(prepareMonths, () => months.prepare());
  }
}
