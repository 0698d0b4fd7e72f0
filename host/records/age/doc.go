// Package age decides whether records may be dropped for their age, and how fast.
//
// The age of a record is known by the wall clock only, and a wall clock can be wrong: a
// battery is empty, a time server lies, somebody mistypes a date. So a clock that jumped is
// not believed until it has run on for a day, and even a clock that is believed costs a
// chain at most a tenth of its files an hour.
//
// The package reads no clock and drops nothing: its callers tell it the time, and drop.
package age
