export { type BuildOptions, type BuildResult, buildPlugin, PluginBuildError } from "./plugin.ts";
