// What happens in the shop: a visit is one request of a browser with all that follows from it in the services. It is
// determined by the seed and its number, so that the spans and the logs of one visit, which different instances of the
// plugin make, have the same ids.
import { SeverityNumber, SpanKind } from "@otelwasm/sdk";
import { Random } from "./random";

export const SERVICES: string[] = ["frontend", "cart", "checkout", "payment", "shipping"];
export const VERSIONS: string[] = ["2.14.0", "1.8.3", "3.1.1", "1.22.0", "0.9.7"];
export const FRONTEND = 0;
export const CART = 1;
export const CHECKOUT = 2;
export const PAYMENT = 3;
export const SHIPPING = 4;

/** Free for tests: https://docs.stripe.com/testing */
const CARDS: string[] = ["4242 4242 4242 4242", "5555 5555 5555 4444", "3782 822463 10005"];
const CUSTOMERS: string[] = ["ada", "grace", "alan", "barbara", "edsger", "radia", "tim"];
const PRODUCTS: string[] = ["teapot", "kettle", "mug", "whisk", "strainer", "caddy"];

/** A span. Times are in microseconds from the visit's start. */
export class Step {
  start: i32 = 0;
  end: i32 = 0;
  /** The HTTP status; 0 for what is not HTTP. */
  status: i32 = 0;
  method: string = "";
  route: string = "";
  /** What the error is called; empty for none. */
  error: string = "";
  message: string = "";
  /** The service or store that a client, producer or consumer span speaks to. */
  peer: string = "";

  constructor(
    public service: i32,
    public name: string,
    public kind: SpanKind,
    public id: u64,
    public parent: u64,
  ) {}
}

export class Line {
  constructor(
    public step: Step,
    /** In microseconds from the visit's start. */
    public at: i32,
    public severity: SeverityNumber,
    public text: string,
  ) {}
}

export class Visit {
  traceHigh: u64 = 0;
  traceLow: u64 = 0;
  steps: Step[] = [];
  lines: Line[] = [];
  customer: string = "";
  product: string = "";
  /** Cents of an order; 0 if this visit is none. */
  amount: i32 = 0;
  card: string = "";

  private random: Random;

  constructor(seed: u64, number: u64, errorRate: f64) {
    const random = new Random(seed, number);
    this.random = random;
    this.traceHigh = random.id();
    this.traceLow = random.id();
    this.customer = CUSTOMERS[random.below(CUSTOMERS.length)];
    this.product = PRODUCTS[random.below(PRODUCTS.length)];
    const failing = random.chance(errorRate);
    const which = random.fraction();
    if (which < 0.5) this.browse(failing);
    else if (which < 0.8) this.addToCart(failing);
    else this.order(number, failing);
  }

  /** How long it takes, in microseconds. */
  get length(): i32 {
    let end = 0;
    for (const step of this.steps) end = max(end, step.end);
    return end;
  }

  private browse(failing: bool): void {
    const page = this.server(FRONTEND, "GET", "/products/{id}", null, 0);
    const query = this.span(FRONTEND, "SELECT products", SpanKind.Client, page, page.start + 800);
    query.peer = "postgresql";
    query.end = query.start + this.random.duration(2500);
    if (failing) {
      this.fail(query, "timeout", "canceling statement due to statement timeout");
      this.fail(page, "500", "");
      page.status = 500;
      this.log(query, query.end, SeverityNumber.Error, "product " + this.product + " could not be read: statement timeout");
    } else this.log(page, query.end, SeverityNumber.Info, "product " + this.product + " shown to " + this.customer);
    page.end = query.end + this.random.duration(1200);
  }

  private addToCart(failing: bool): void {
    const page = this.server(FRONTEND, "POST", "/cart", null, 0);
    const call = this.client(page, CART, "POST", "/items", page.start + 600);
    const items = this.server(CART, "POST", "/items", call, call.start + 300);
    const store = this.span(CART, "HSET", SpanKind.Client, items, items.start + 200);
    store.peer = "redis";
    store.end = store.start + this.random.duration(400);
    items.end = store.end + this.random.duration(300);
    if (!failing) this.log(items, store.end, SeverityNumber.Debug, "cart of " + this.customer + " has one more " + this.product);
    else {
      items.status = 409;
      call.status = 409;
      page.status = 409;
      // A server's 4xx is the client's error: semantic conventions, "HTTP spans".
      this.fail(call, "409", "");
      this.log(items, items.end, SeverityNumber.Warn, this.product + " is sold out");
    }
    call.end = items.end + 300;
    page.end = call.end + this.random.duration(500);
  }

  private order(number: u64, failing: bool): void {
    const random = this.random;
    this.amount = 500 + random.below(20000);
    this.card = CARDS[random.below(CARDS.length)];
    const page = this.server(FRONTEND, "POST", "/checkout", null, 0);
    const call = this.client(page, CHECKOUT, "POST", "/orders", page.start + 700);
    const order = this.server(CHECKOUT, "POST", "/orders", call, call.start + 300);

    const read = this.client(order, CART, "GET", "/items", order.start + 400);
    const items = this.server(CART, "GET", "/items", read, read.start + 250);
    items.end = items.start + random.duration(900);
    read.end = items.end + 250;

    const charge = this.client(order, PAYMENT, "POST", "/charges", read.end + 300);
    const payment = this.server(PAYMENT, "POST", "/charges", charge, charge.start + 300);
    payment.end = payment.start + random.duration(45000);
    charge.end = payment.end + 300;
    let done = charge.end;
    const sum = (this.amount / 100).toString() + "." + (this.amount % 100).toString().padStart(2, "0") + " EUR";
    if (failing) {
      this.fail(payment, "CardDeclined", "the card was declined: insufficient funds");
      payment.status = 500;
      this.fail(charge, "500", "");
      charge.status = 500;
      this.fail(order, "500", "");
      order.status = 500;
      this.fail(call, "500", "");
      call.status = 500;
      this.fail(page, "500", "");
      page.status = 500;
      this.log(payment, payment.end, SeverityNumber.Error, "card " + this.card + " declined for " + sum);
      this.log(order, charge.end, SeverityNumber.Error, "order " + number.toString() + " refused");
    } else {
      this.log(payment, payment.end, SeverityNumber.Info, "charged " + sum + " to card " + this.card);
      const publish = this.span(CHECKOUT, "send orders", SpanKind.Producer, order, charge.end + 200);
      publish.peer = "orders";
      publish.end = publish.start + random.duration(1500);
      done = publish.end;
      const ship = this.span(SHIPPING, "process orders", SpanKind.Consumer, publish, publish.end + random.duration(4000));
      ship.peer = "orders";
      ship.end = ship.start + random.duration(12000);
      this.log(order, publish.end, SeverityNumber.Info, "order " + number.toString() + " of " + this.customer + "@example.com taken");
      this.log(ship, ship.end, SeverityNumber.Info, "parcel for order " + number.toString() + " packed");
    }
    order.end = done + random.duration(2000);
    call.end = order.end + 300;
    page.end = call.end + random.duration(800);
  }

  private span(service: i32, name: string, kind: SpanKind, parent: Step | null, start: i32): Step {
    const step = new Step(service, name, kind, this.random.id(), parent === null ? 0 : parent.id);
    step.start = start;
    this.steps.push(step);
    return step;
  }

  private server(service: i32, method: string, route: string, parent: Step | null, start: i32): Step {
    const step = this.span(service, method + " " + route, SpanKind.Server, parent, start);
    step.method = method;
    step.route = route;
    step.status = 200;
    return step;
  }

  private client(parent: Step, to: i32, method: string, route: string, start: i32): Step {
    const step = this.span(parent.service, method, SpanKind.Client, parent, start);
    step.method = method;
    step.route = route;
    step.status = 200;
    step.peer = SERVICES[to];
    return step;
  }

  private fail(step: Step, error: string, message: string): void {
    step.error = error;
    step.message = message;
  }

  private log(step: Step, at: i32, severity: SeverityNumber, text: string): void {
    this.lines.push(new Line(step, at, severity, text));
  }
}
