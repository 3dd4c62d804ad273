import { configFail } from "@otelwasm/sdk/config/config";

const DETECTORS: string[] = ["card", "email", "token"];

/** The plugin's configuration. */
export class Settings {
  detectors: string[] = ["card", "email", "token"];
  patterns: string[] = [];
  @key("blocked_key_patterns") blockedKeyPatterns: string[] = [];
  @key("allowed_keys") allowedKeys: string[] = [];
  mask: string | null = null;
  hash: string | null = null;
  @key("hash_salt") hashSalt: string = "";
  @key("span_names") spanNames: bool = false;

  /** Reports values that no field's type excludes. */
  check(): void {
    for (let i = 0; i < this.detectors.length; ++i) {
      if (!DETECTORS.includes(this.detectors[i])) {
        configFail("detectors[" + i.toString() + "]", 'is "' + this.detectors[i] + '"; known are: ' + DETECTORS.join(", "));
      }
    }
    const hash = this.hash;
    if (hash !== null && hash != "sha256") configFail("hash", 'is "' + hash + '"; known is: sha256');
    if (hash !== null && this.mask !== null) configFail("hash", "and mask exclude each other");
    if (hash === null && this.hashSalt != "") configFail("hash_salt", "is not used without hash");
    if (this.detectors.length == 0 && this.patterns.length == 0 && this.blockedKeyPatterns.length == 0) {
      configFail("detectors", "must not be empty where there are neither patterns nor blocked_key_patterns");
    }
  }
}
