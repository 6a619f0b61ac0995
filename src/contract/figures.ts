import type { PolicyAudience, PolicyPurpose } from './consents.js';
import type { ConsentPurpose } from './events.js';
import type { RequestKind } from './rights.js';

/** Fields are described at the DTO classes, which implement these types completely, and in openapi.json. */
export interface ContactFigures {
  total: number;
  promotions: number;
  upToDate: number;
  restricted: number;
}

export interface ConsentFigures {
  purpose: ConsentPurpose;
  given: number;
  withdrawn: number;
}

export interface PolicyInForce {
  audience: PolicyAudience;
  purpose: PolicyPurpose;
  version: number;
  effective: string;
}

export interface ErasureFigures {
  running: number;
  finished: number;
  contacts: number;
}

export interface RequestFigures {
  kind: RequestKind;
  open: number;
  overdue: number;
  fulfilled: number;
  refused: number;
  takenBack: number;
  late: number;
}

export interface ExportFigures {
  copies: number;
  downloads: number;
  addressBooks: number;
  conversations: number;
}

export interface MemberFigures {
  active: number;
  invited: number;
  removed: number;
}

export interface Figures {
  at: string;
  contacts: ContactFigures;
  consents: ConsentFigures[];
  policies: PolicyInForce[];
  erasures: ErasureFigures;
  requests: RequestFigures[];
  exports: ExportFigures;
  members: MemberFigures;
  consentProofYears: number;
}
