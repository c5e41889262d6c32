/** The product's version: one place, package.json is checked against it. */
export const productVersion = '0.1.0';

/** Version of the Standard Model Interface: `[major, minor]`. An unknown major is refused. */
export const smiVersion = [1, 0] as const;
