/** The venues spoken, by their ccxt ids. */
export type VenueId = "binance" | "kraken" | "bitfinex" | "okx";

/** What a call asks for, whatever the venue calls it. */
export type Endpoint = "bars" | "markets" | "time" | "other";
