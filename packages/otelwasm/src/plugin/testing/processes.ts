import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";
import { setTimeout as wait } from "node:timers/promises";

/** The processes that a process has started and that are there still, those that have ended and were not waited for included. */
export function childrenOf(pid: number): number[] {
  return everyone().flatMap(([child, parent]) => (parent === pid ? [child] : []));
}

/** Each process, with the one that started it. */
function everyone(): [pid: number, parent: number][] {
  if (process.platform === "linux")
    return readdirSync("/proc").flatMap((name): [number, number][] => {
      const parent = /^\d+$/.test(name) ? parentOf(name) : undefined;
      return parent === undefined ? [] : [[Number(name), parent]];
    });
  return execFileSync("ps", ["-A", "-o", "pid=,ppid="], { encoding: "utf8" })
    .trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/).map(Number) as [number, number]);
}

function parentOf(pid: string): number | undefined {
  const parent = statusOf(pid)[1];
  return parent === undefined ? undefined : Number(parent);
}

/** What stands behind the program's name, which may have any characters: the state first. https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
function statusOf(pid: string): string[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    return stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  } catch {
    // It has ended meanwhile.
    return [];
  }
}

/** Resolves when the process has ended. Nobody tells those that did not start it. */
export async function ended(pid: number): Promise<void> {
  while (isAlive(pid)) await wait(10);
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  // One that has ended is there until somebody has asked for its exit code.
  return process.platform !== "linux" || !["Z", "X", undefined].includes(statusOf(String(pid))[0]);
}
