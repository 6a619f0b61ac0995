import type * as wire from '../contract/index.js';

/** An interlocutor as it sees itself. */
export class InterlocutorView implements wire.InterlocutorView {
  id: string;
  /** To sign in with. */
  username: string;
  displayName: string;
  firstName?: string;
  surname?: string;
  companyName?: string;
  companyType?: string;
  email: string;
  region: string | null;
  province: string | null;
  sector: string | null;
}
