package standby

// appendDecimal appends a number in at least so many digits.
func appendDecimal(b []byte, n uint64, digits int) []byte {
	var reversed [20]byte
	i := 0
	for ; n > 0 || i < digits; i++ {
		reversed[i] = byte('0' + n%10)
		n /= 10
	}
	for i--; i >= 0; i-- {
		b = append(b, reversed[i])
	}
	return b
}

// appendStamp appends a time, in nanoseconds since 1970, as the spool writes it:
// 2006-01-02T15:04:05.000000Z.
func appendStamp(b []byte, at uint64) []byte {
	const second, day = 1_000_000_000, 86_400
	seconds := at / second
	year, month, dom := civil(seconds / day)
	clock := seconds % day
	b = append(appendDecimal(b, year, 4), '-')
	b = append(appendDecimal(b, month, 2), '-')
	b = append(appendDecimal(b, dom, 2), 'T')
	b = append(appendDecimal(b, clock/3600, 2), ':')
	b = append(appendDecimal(b, clock/60%60, 2), ':')
	b = append(appendDecimal(b, clock%60, 2), '.')
	return append(appendDecimal(b, at%second/1000, 6), 'Z')
}

// civil returns the date of a day, counted from 1970-01-01. Years begin in March here, so that the
// day of a leap year is the last one.
func civil(days uint64) (year, month, day uint64) {
	const era, epoch = 146_097, 719_468 // days of 400 years, and from 0000-03-01 to 1970-01-01
	days += epoch
	of := days % era
	y := (of - of/1460 + of/36_524 - of/146_096) / 365
	of -= 365*y + y/4 - y/100
	m := (5*of + 2) / 153
	day = of - (153*m+2)/5 + 1
	year, month = y+days/era*400, m+3
	if month > 12 {
		year, month = year+1, month-12
	}
	return year, month, day
}
