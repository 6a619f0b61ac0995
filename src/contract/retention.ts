import type { RetentionTerm } from './events.js';

/** Fields are described at the DTO classes, which implement these types completely, and in openapi.json. */
export interface RetentionSetting {
  retention: RetentionTerm | null;
  runs: RetentionRunView[];
}

export interface RetentionRunView {
  id: string;
  months: number;
  before: string;
  startedAt: string;
  finishedAt: string | null;
  messages: number;
  files: number;
  broadcasts: number;
  leftOut: number;
}

export interface AskRetention {
  months: number;
}

export interface RetentionPreview {
  months: number;
  from: string;
  before: string;
  messages: number;
  conversations: number;
  leftOut: number;
}

export interface SetRetention {
  months: number | null;
  confirmation?: RetentionConfirmation;
}

export interface RetentionConfirmation {
  messages: number;
  businessName: string;
}
