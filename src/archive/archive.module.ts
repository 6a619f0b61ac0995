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
import { SearchIndex, searchEntries } from './search-index.service.js';
import { SearchMonths } from './search-months.service.js';
import { SearchTokens } from './search-tokens.service.js';

const prepareMonths = defineJob('archive.prepareMonths', { cron: '23 3 * * *' });

@Module({
  imports: [AttachmentsModule, ChangeFeedModule, ConversationsModule, MembersModule],
  controllers: [ArchiveController],
  providers: [Archive, ArchivePool, SearchIndex, SearchMonths, SearchTokens],
})
export class ArchiveModule {
  constructor(changes: ChangeFeed, index: SearchIndex, jobs: Jobs, months: SearchMonths, forgetting: Forgetting) {
    forgetting.register(searchEntries);
    changes.consume(index);
    jobs.handle(prepareMonths, () => months.prepare());
  }
}
