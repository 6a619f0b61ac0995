/** A name for this device that its owner recognises in the list of devices: "iPhone · Safari". */
export function deviceName(agent = navigator.userAgent, isTouched = navigator.maxTouchPoints > 1): string {
  const isPad = /iPad/.test(agent) || (/Macintosh/.test(agent) && isTouched);
  const systems: [RegExp | boolean, string][] = [
    [isPad, 'iPad'],
    [/iPhone|iPod/, 'iPhone'],
    [/Android/, 'Android'],
    [/Windows/, 'Windows'],
    [/Macintosh/, 'Mac'],
    [/CrOS/, 'Chromebook'],
    [/Linux/, 'Linux'],
  ];
  const browsers: [RegExp, string][] = [
    [/EdgA?\/|EdgiOS/, 'Edge'],
    [/SamsungBrowser/, 'Samsung Internet'],
    [/OPR\//, 'Opera'],
    [/Firefox|FxiOS/, 'Firefox'],
    [/Chrome|CriOS/, 'Chrome'],
    [/Safari/, 'Safari'],
  ];
  const is = (sign: RegExp | boolean) => (typeof sign === 'boolean' ? sign : sign.test(agent));
  const named = [systems, browsers].map((list) => list.find(([sign]) => is(sign))?.[1]);
  return named.filter(Boolean).join(' · ');
}
