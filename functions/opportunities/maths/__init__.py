"""Pure maths on numbers and arrays: knows neither markets nor strategies."""
