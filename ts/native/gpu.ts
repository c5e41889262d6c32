import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { requireInteger } from './arguments.ts';
import { type GpuReport, type GpuVendor, type GpuVendorReport, gpuVendors } from './gpu-types.ts';

export type * from './gpu-types.ts';

export interface GpuProbeOptions {
  /** How long the probe may take; a driver that hangs is killed then. Default 5,000. */
  readonly timeoutMs?: number;
  /** NVML's file instead of the one the system finds. */
  readonly nvmlPath?: string;
  /** A folder to read sysfs from instead of `/`. */
  readonly root?: string;
}

const defaultTimeoutMs = 5000;
const maxOutputBytes = 4 * 1024 * 1024;
const maxComplaintBytes = 400;

/** The child's program has this file's extension, built or not. */
const program = fileURLToPath(
  new URL(import.meta.url.endsWith('.ts') ? './gpu-probe.ts' : './gpu-probe.js', import.meta.url),
);

interface ProbeOutcome {
  readonly stdout: string;
  /** Why the child ended early; null when it did not. */
  readonly failure: string | null;
}

/**
 * What GPUs this host has. Drivers are asked in a child process, so one that crashes or hangs
 * costs its own entry and nothing else. Never rejects for what a driver did.
 */
export async function probeGpus(options: GpuProbeOptions = {}): Promise<GpuReport> {
  const { timeoutMs = defaultTimeoutMs, nvmlPath = '', root = '' } = options;
  requireInteger(timeoutMs, 'timeoutMs', { min: 1, max: 0x7fff_ffff });
  const { stdout, failure } = await runProbe([root, nvmlPath], timeoutMs);
  const reports = parseReports(stdout);
  return {
    vendors: gpuVendors.map(
      (vendor) =>
        reports.get(vendor) ?? absentReport(vendor, failure ?? 'the probe said nothing about it'),
    ),
  };
}

function absentReport(vendor: GpuVendor, reason: string): GpuVendorReport {
  return { vendor, reason, driverVersion: null, cudaVersion: null, devices: [] };
}

function parseReports(stdout: string): Map<string, GpuVendorReport> {
  const reports = new Map<string, GpuVendorReport>();
  for (const line of stdout.split('\n')) {
    try {
      const report = JSON.parse(line) as GpuVendorReport;
      reports.set(report.vendor, report);
    } catch {
      // A driver's library may print to stdout, and a crash may cut a line: neither is a report.
    }
  }
  return reports;
}

function runProbe(args: readonly string[], timeoutMs: number): Promise<ProbeOutcome> {
  return new Promise((resolve) => {
    // execArgv is not inherited: a debugger's port or a loader of the host is no business of it.
    const child = spawn(process.execPath, [program, ...args], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let stdout = '';
    let complaint = '';
    let failure: string | null = null;
    const stop = (reason: string) => {
      failure ??= reason;
      child.kill('SIGKILL');
    };
    const timer = setTimeout(() => stop(`the probe did not end within ${timeoutMs} ms`), timeoutMs);
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
      if (stdout.length > maxOutputBytes) stop('the probe printed too much');
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      complaint = (complaint + text).slice(-maxComplaintBytes);
    });
    child.on('error', (error) => {
      clearTimeout(timer);
      resolve({ stdout, failure: `the probe could not be started: ${error.message}` });
    });
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      if (signal !== null) failure ??= `the probe was killed by ${signal}`;
      else if (code !== 0) failure ??= `the probe ended with ${code}: ${complaint.trim()}`;
      resolve({ stdout, failure });
    });
  });
}
