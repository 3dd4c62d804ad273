export class Rule {
  @required action: string = "";
  count: i32 = 1;

  describe(): string {
    return `${this.action}x${this.count}`;
  }
}
