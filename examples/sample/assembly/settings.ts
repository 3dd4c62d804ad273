import { configFail } from "@otelwasm/sdk/config/config";

/** The plugin's configuration. */
export class Settings {
  @required @key("sampling_percentage") samplingPercentage: f64 = 0;
  @key("hash_seed") hashSeed: u32 = 0;
  @key("sampling_precision") samplingPrecision: i32 = 4;
  @key("fail_open") failOpen: bool = false;
  @key("from_attribute") fromAttribute: string = "";
  @key("write_threshold") writeThreshold: bool = true;

  /** Reports values that no field's type excludes. */
  check(): void {
    const percentage = this.samplingPercentage;
    if (!(percentage >= 0 && percentage <= 100)) {
      configFail("sampling_percentage", "must be from 0 to 100, but is " + percentage.toString());
    }
    if (this.samplingPrecision < 1 || this.samplingPrecision > 14) {
      configFail("sampling_precision", "must be from 1 to 14, but is " + this.samplingPrecision.toString());
    }
  }
}
