import { Body, Controller, Delete, Get, HttpCode, Patch, Post, Query } from '@nestjs/common';
import { ApiTags } from '@nestjs/swagger';
import type { MemberPrincipal } from '../auth/principal.js';
import { Caller, Only } from '../auth/session.guard.js';
import { Id } from '../platform/validation/id.js';
import { ChangeLabel, LabelList, LabelView, ListLabels, NewLabel } from './labels.dto.js';
import { Labels } from './labels.service.js';

@ApiTags('address book')
@Only('member')
@Controller('labels')
export class LabelsController {
  constructor(private readonly labels: Labels) {}

  /** The subscriber's labels, sorted by name, each with its number of contacts. */
  @Get()
  list(@Caller() member: MemberPrincipal, @Query() ask: ListLabels): Promise<LabelList> {
    return this.labels.list(member, ask);
  }

  /** Create a label. You can have at most 200. */
  @Post()
  create(@Caller() member: MemberPrincipal, @Body() label: NewLabel): Promise<LabelView> {
    return this.labels.create(member, label);
  }

  /** Rename a label, or give it another colour. */
  @Patch(':id')
  change(@Caller() member: MemberPrincipal, @Id() id: string, @Body() change: ChangeLabel): Promise<LabelView> {
    return this.labels.change(member, id, change);
  }

  /** Delete a label and remove it from its contacts. */
  @Delete(':id')
  @HttpCode(204)
  async remove(@Caller() member: MemberPrincipal, @Id() id: string): Promise<void> {
    await this.labels.remove(member, id);
  }
}
