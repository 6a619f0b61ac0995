import type { IconName } from '../../ui/icons.js';
import { quickWords } from '../../words/quick-replies.js';
import { settings } from '../../words/settings.js';

export interface SettingsPage {
  href: string;
  name: string;
  icon: IconName;
}

const { pages, groups } = settings;

/** The list of settings: pages are added here, and to the routes. */
export const settingsGroups: { name: string; pages: SettingsPage[] }[] = [
  {
    name: groups.business,
    pages: [
      { href: '/settings/business', name: pages.business, icon: 'building-store' },
      { href: '/settings/quick-replies', name: quickWords.title, icon: 'bolt' },
      { href: '/settings/data', name: pages.data, icon: 'file-import' },
    ],
  },
  {
    name: groups.account,
    pages: [
      { href: '/settings/devices', name: pages.devices, icon: 'devices' },
      { href: '/settings/profile', name: pages.profile, icon: 'key' },
      { href: '/settings/appearance', name: pages.appearance, icon: 'language' },
    ],
  },
  {
    name: groups.trust,
    pages: [
      { href: '/settings/who-can-read', name: pages.whoCanRead, icon: 'shield-lock' },
      { href: '/settings/cookies', name: pages.cookies, icon: 'info-circle' },
    ],
  },
];
