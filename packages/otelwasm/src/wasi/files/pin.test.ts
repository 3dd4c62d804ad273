import assert from "node:assert/strict";
import { test } from "node:test";
import { Errno } from "../errno.ts";
import { checkName } from "./pin.ts";
import { isAbsolute } from "./resolve.ts";

test("on Windows names that mean something else to the system are refused; elsewhere they are names", () => {
  const special = [
    "a\\b",
    "..\\a",
    "C:",
    "file:stream",
    "NUL",
    "nul.txt",
    "con",
    "Com1",
    "LPT9.log",
    "aux.",
    "a.",
    "a ",
  ];
  for (const name of special) {
    assert.throws(() => checkName(name, "win32"), { name: "WasiError", errno: Errno.inval }, name);
    checkName(name, "linux");
  }
  for (const name of ["a", ".hidden", "a.b", "console", "com10", "nullable", "ü", "a b"]) checkName(name, "win32");
});

test("targets of links that are absolute on some platform", () => {
  for (const target of ["/", "/etc", "\\", "\\\\server\\share", "C:\\x", "c:x"]) assert.ok(isAbsolute(target), target);
  for (const target of ["a", "..", "../a", "./C:", "a/C:"]) assert.ok(!isAbsolute(target), target);
});
