"""The live market, by ccxt: public endpoints of several exchanges, without keys."""
