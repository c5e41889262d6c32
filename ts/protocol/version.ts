/** The product's version: one place, package.json is checked against it. */
export const productVersion = '0.1.0';

/** Version of the wire contract of the IPC socket. A major step breaks clients. */
export const ipcProtocolVersion = 1;

/** Version of the Standard Model Interface: `[major, minor]`. An unknown major is refused. */
export const smiVersion = [1, 0] as const;
