package sign

// Binary writes a byte sequence for tests that forge fields.
var Binary = binary
