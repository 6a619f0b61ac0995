import { Start1763856000000 } from './1763856000000-start.js';

export const mainMigrations = [Start1763856000000];
