import { execFileSync } from "node:child_process";
import { readdirSync, readFileSync } from "node:fs";

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

/** https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html */
function parentOf(pid: string): number | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, "utf8");
    // Behind the program's name, which may have any characters, a state stands before it.
    return Number(stat.slice(stat.lastIndexOf(")") + 2).split(" ")[1]);
  } catch {
    // It has ended meanwhile.
    return undefined;
  }
}
