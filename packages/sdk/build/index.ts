export { buildPlugin, type BuildOptions, type BuildResult, PluginBuildError } from "./plugin.ts";
