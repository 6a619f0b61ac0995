import type { IconName } from '../../ui/icons.js';
import { figuresWords } from '../../words/figures.js';
import { notifyWords } from '../../words/notify.js';
import { policyWords } from '../../words/policy-changes.js';
import { quickWords } from '../../words/quick-replies.js';
import { retentionWords } from '../../words/retention.js';
import { settings } from '../../words/settings.js';
import { teamWords } from '../../words/team.js';

export interface SettingsPage {
  href: string;
  name: string;
  icon: IconName;
  /** Shown to the owner alone. */
  forOwner?: true;
}

const { pages, groups } = settings;

/** The list of settings: pages are added here, and to the routes. */
export const settingsGroups: { name: string; pages: SettingsPage[] }[] = [
  {
    name: groups.business,
    pages: [
      { href: '/settings/business', name: pages.business, icon: 'building-store' },
      { href: '/settings/team', name: teamWords.team.title, icon: 'users-group' },
      { href: '/settings/quick-replies', name: quickWords.title, icon: 'bolt' },
      { href: '/settings/receipts', name: teamWords.receipts.title, icon: 'checks', forOwner: true },
    ],
  },
  {
    name: groups.account,
    pages: [
      { href: '/settings/devices', name: pages.devices, icon: 'devices' },
      { href: '/settings/notifications', name: notifyWords.title, icon: 'bell' },
      { href: '/settings/profile', name: pages.profile, icon: 'key' },
      { href: '/settings/appearance', name: pages.appearance, icon: 'language' },
    ],
  },
  {
    name: groups.data,
    pages: [
      { href: '/settings/data', name: pages.data, icon: 'download' },
      { href: '/settings/retention', name: retentionWords.title, icon: 'eraser', forOwner: true },
      { href: '/settings/storage', name: teamWords.storage.title, icon: 'paperclip' },
      { href: '/settings/activity', name: teamWords.activity.title, icon: 'list-details', forOwner: true },
      { href: '/settings/figures', name: figuresWords.title, icon: 'file-text', forOwner: true },
    ],
  },
  {
    name: groups.trust,
    pages: [
      { href: '/settings/agreed', name: policyWords.agreed.title, icon: 'file-check' },
      { href: '/settings/who-can-read', name: pages.whoCanRead, icon: 'shield-lock' },
      { href: '/settings/cookies', name: pages.cookies, icon: 'info-circle' },
    ],
  },
];
