--- Requests on the wire, section by section of RFC 9112: what is refused is answered, the connection closes and nothing
-- reaches the upstream; what is allowed arrives as it was meant. Each is also sent byte by byte.
local kit = require("kit")
local raw = require("spec.support.raw")

local many = { name = ("n"):rep(64), value = ("v"):rep(1024) }

--- {section, what, bytes[, status]}: status 400 unless given.
local refused = {
  { "2.2", "a bare LF after the request-line", "GET /a HTTP/1.1\nHost: g\r\n\r\n" },
  { "2.2", "a bare LF after a field", "GET /a HTTP/1.1\r\nHost: g\n\r\n" },
  { "2.2", "a bare LF as the empty line", "GET /a HTTP/1.1\r\nHost: g\r\n\n" },
  { "2.2", "bare LFs throughout", "GET /a HTTP/1.1\nHost: g\n\n" },
  { "2.2", "a bare CR inside the request-line", "GET /a\rb HTTP/1.1\r\nHost: g\r\n\r\n" },
  { "2.2", "a bare CR inside a field value", "GET /a HTTP/1.1\r\nHost: g\r\nX-A: b\rc\r\n\r\n" },
  { "2.2", "a bare CR before a name", "GET /a HTTP/1.1\r\nHost: g\r\n\rX-A: b\r\n\r\n" },
  { "2.2", "CR CR LF", "GET /a HTTP/1.1\r\r\nHost: g\r\n\r\n" },
  { "2.2", "white space before the first field", "GET /a HTTP/1.1\r\n Host: g\r\n\r\n" },
  { "2.2", "a tab before the first field", "GET /a HTTP/1.1\r\n\tHost: g\r\n\r\n" },
  { "2.2", "NUL in the request-line", "GET /a\0 HTTP/1.1\r\nHost: g\r\n\r\n" },
  { "2.2", "bytes that are no HTTP", "\22\3\1\2\0\1\0\1\252\3\3\r\n\r\n" },
  { "2.2", "an empty line and garbage", "\r\ngarbage\r\n\r\n" },
  { "2.3", "no version (HTTP/0.9)", "GET /a\r\n" },
  { "2.3", "no version, with fields", "GET /a\r\nHost: g\r\n\r\n" },
  { "2.3", "a version in small letters", "GET /a http/1.1\r\nHost: g\r\n\r\n" },
  { "2.3", "a version without dot", "GET /a HTTP/11\r\nHost: g\r\n\r\n" },
  { "2.3", "a version of two digits", "GET /a HTTP/1.10\r\nHost: g\r\n\r\n" },
  { "2.3", "a version with leading zero", "GET /a HTTP/01.1\r\nHost: g\r\n\r\n" },
  { "2.3", "a version with a sign", "GET /a HTTP/+1.1\r\nHost: g\r\n\r\n" },
  { "2.3", "a version with a letter", "GET /a HTTP/1.x\r\nHost: g\r\n\r\n" },
  { "2.3", "a version with a space inside", "GET /a HTTP/ 1.1\r\nHost: g\r\n\r\n" },
  { "2.3", "another protocol", "GET /a HTCPCP/1.0\r\nHost: g\r\n\r\n" },
  { "2.3", "RTSP", "OPTIONS * RTSP/1.0\r\nHost: g\r\n\r\n" },
  { "2.3", "version 2.0", "GET /a HTTP/2.0\r\nHost: g\r\n\r\n", 505 },
  { "2.3", "version 3.0", "GET /a HTTP/3.0\r\nHost: g\r\n\r\n", 505 },
  { "2.3", "version 0.9 spelled out", "GET /a HTTP/0.9\r\nHost: g\r\n\r\n", 505 },
  { "3", "two spaces after the method", "GET  /a HTTP/1.1\r\nHost: g\r\n\r\n" },
  { "3", "two spaces before the version", "GET /a  HTTP/1.1\r\nHost: g\r\n\r\n" },
  { "3", "a tab after the method", "GET\t/a HTTP/1.1\r\nHost: g\r\n\r\n" },
  { "3", "a tab before the version", "GET /a\tHTTP/1.1\r\nHost: g\r\n\r\n" },
  { "3", "a space before the method", " GET /a HTTP/1.1\r\nHost: g\r\n\r\n" },
  { "3", "a space after the version", "GET /a HTTP/1.1 \r\nHost: g\r\n\r\n" },
  { "3", "a vertical tab as separator", "GET\v/a HTTP/1.1\r\nHost: g\r\n\r\n" },
  { "3", "a form feed as separator", "GET /a\fHTTP/1.1\r\nHost: g\r\n\r\n" },
  { "3", "only a method", "GET\r\n\r\n" },
  { "3", "an empty request-line part", "GET  HTTP/1.1\r\nHost: g\r\n\r\n" },
  { "3.1", "an empty method", " /a HTTP/1.1\r\nHost: g\r\n\r\n" },
  { "3.1", "a method with a separator", "GE(T /a HTTP/1.1\r\nHost: g\r\n\r\n" },
  { "3.1", "a method with a colon", "GET: /a HTTP/1.1\r\nHost: g\r\n\r\n" },
  { "3.1", "a method beyond ASCII", "G\195\169T /a HTTP/1.1\r\nHost: g\r\n\r\n" },
  { "3.1", "a method with NUL", "GE\0T /a HTTP/1.1\r\nHost: g\r\n\r\n" },
  { "3.2", "a space in the target", "GET /a b HTTP/1.1\r\nHost: g\r\n\r\n" },
  { "3.2", "a target that is no form", "GET a HTTP/1.1\r\nHost: g\r\n\r\n" },
  { "3.2", "a fragment", "GET /a#b HTTP/1.1\r\nHost: g\r\n\r\n" },
  { "3.2", "DEL in the target", "GET /a\127 HTTP/1.1\r\nHost: g\r\n\r\n" },
  { "3.2", "a control in the target", "GET /a\1 HTTP/1.1\r\nHost: g\r\n\r\n" },
  { "3.2", "a broken escape in the path", "GET /a%zz HTTP/1.1\r\nHost: g\r\n\r\n" },
  { "3.2", "a cut escape in the path", "GET /a%4 HTTP/1.1\r\nHost: g\r\n\r\n" },
  { "3.2", "no Host", "GET /a HTTP/1.1\r\n\r\n" },
  { "3.2", "no Host beside other fields", "GET /a HTTP/1.1\r\nX-A: b\r\n\r\n" },
  { "3.2", "two Hosts", "GET /a HTTP/1.1\r\nHost: g\r\nHost: h\r\n\r\n" },
  { "3.2", "two equal Hosts", "GET /a HTTP/1.1\r\nHost: g\r\nHost: g\r\n\r\n" },
  { "3.2", "two Hosts in different letter case", "GET /a HTTP/1.1\r\nHost: g\r\nhOsT: h\r\n\r\n" },
  { "3.2", "a Host with a space", "GET /a HTTP/1.1\r\nHost: g h\r\n\r\n" },
  { "3.2", "a Host with a path", "GET /a HTTP/1.1\r\nHost: g/x\r\n\r\n" },
  { "3.2", "a Host with user information", "GET /a HTTP/1.1\r\nHost: u@g\r\n\r\n" },
  { "3.2", "a Host that is a list", "GET /a HTTP/1.1\r\nHost: g, h\r\n\r\n" },
  { "3.2", "a Host with a bad port", "GET /a HTTP/1.1\r\nHost: g:8x\r\n\r\n" },
  { "3.2", "a Host with a port out of range", "GET /a HTTP/1.1\r\nHost: g:99999\r\n\r\n" },
  { "3.2", "a Host with an open bracket", "GET /a HTTP/1.1\r\nHost: [::1\r\n\r\n" },
  { "3.2.2", "an absolute target with a space in its host", "GET http://g h/a HTTP/1.1\r\nHost: g\r\n\r\n" },
  { "3.2.2", "an absolute target without host", "GET http:///a HTTP/1.1\r\nHost: g\r\n\r\n" },
  { "3.2.2", "an absolute target with user information", "GET http://u:p@g/a HTTP/1.1\r\nHost: g\r\n\r\n" },
  { "3.2.3", "an authority target with another method than CONNECT", "GET g:80 HTTP/1.1\r\nHost: g\r\n\r\n" },
  { "3.2.3", "CONNECT with an origin target", "CONNECT /a HTTP/1.1\r\nHost: g\r\n\r\n" },
  { "3.2.4", "an asterisk with another method than OPTIONS", "GET * HTTP/1.1\r\nHost: g\r\n\r\n" },
  { "5.1", "a space before the colon", "GET /a HTTP/1.1\r\nHost: g\r\nX-A : b\r\n\r\n" },
  { "5.1", "a tab before the colon", "GET /a HTTP/1.1\r\nHost: g\r\nX-A\t: b\r\n\r\n" },
  { "5.1", "a space before the colon of Host", "GET /a HTTP/1.1\r\nHost : g\r\n\r\n" },
  { "5.1", "a space before the colon of Content-Length",
    "POST /a HTTP/1.1\r\nHost: g\r\nContent-Length : 3\r\n\r\nabc" },
  { "5.1", "a space before the colon of Transfer-Encoding",
    "POST /a HTTP/1.1\r\nHost: g\r\nTransfer-Encoding : chunked\r\n\r\n0\r\n\r\n" },
  { "5.1", "a name with a space inside", "GET /a HTTP/1.1\r\nHost: g\r\nX A: b\r\n\r\n" },
  { "5.1", "a line without colon", "GET /a HTTP/1.1\r\nHost: g\r\nX-A\r\n\r\n" },
  { "5.1", "an empty name", "GET /a HTTP/1.1\r\nHost: g\r\n: b\r\n\r\n" },
  { "5.1", "a name with NUL", "GET /a HTTP/1.1\r\nHost: g\r\nX\0A: b\r\n\r\n" },
  { "5.1", "a name beyond ASCII", "GET /a HTTP/1.1\r\nHost: g\r\nX-\195\169: b\r\n\r\n" },
  { "5.1", "a name with a separator", "GET /a HTTP/1.1\r\nHost: g\r\nX(A): b\r\n\r\n" },
  { "5.1", "a name with a slash", "GET /a HTTP/1.1\r\nHost: g\r\nX/A: b\r\n\r\n" },
  { "5.1", "a name in quotes", 'GET /a HTTP/1.1\r\nHost: g\r\n"X-A": b\r\n\r\n' },
  { "5.1", "a name with a control", "GET /a HTTP/1.1\r\nHost: g\r\nX\1A: b\r\n\r\n" },
  { "5.1", "a name with DEL", "GET /a HTTP/1.1\r\nHost: g\r\nX\127: b\r\n\r\n" },
  { "5.2", "a folded line (obs-fold)", "GET /a HTTP/1.1\r\nHost: g\r\nX-A: b\r\n c\r\n\r\n" },
  { "5.2", "a line folded with a tab", "GET /a HTTP/1.1\r\nHost: g\r\nX-A: b\r\n\tc\r\n\r\n" },
  { "5.2", "a folded Transfer-Encoding",
    "POST /a HTTP/1.1\r\nHost: g\r\nTransfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n" },
  { "5.5", "NUL in a value", "GET /a HTTP/1.1\r\nHost: g\r\nX-A: b\0c\r\n\r\n" },
  { "5.5", "a control in a value", "GET /a HTTP/1.1\r\nHost: g\r\nX-A: b\1c\r\n\r\n" },
  { "5.5", "a vertical tab in a value", "GET /a HTTP/1.1\r\nHost: g\r\nX-A: b\vc\r\n\r\n" },
  { "5.5", "DEL in a value", "GET /a HTTP/1.1\r\nHost: g\r\nX-A: b\127c\r\n\r\n" },
  { "6.1", "both Content-Length and Transfer-Encoding",
    "POST /a HTTP/1.1\r\nHost: g\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" },
  { "6.1", "both, the other way round",
    "POST /a HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n" },
  { "6.1", "both, with a length of 0",
    "POST /a HTTP/1.1\r\nHost: g\r\nContent-Length: 0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" },
  { "6.1", "Transfer-Encoding in HTTP/1.0",
    "POST /a HTTP/1.0\r\nHost: g\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" },
  { "6.1", "chunked that is not last",
    "POST /a HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n", { 400, 501 } },
  { "6.1", "chunked twice",
    "POST /a HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", { 400, 501 } },
  { "6.1", "chunked twice on two lines",
    "POST /a HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    { 400, 501 } },
  { "6.1", "an unknown coding", "POST /a HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: foo\r\n\r\n", { 400, 501 } },
  { "6.1", "identity", "POST /a HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: identity\r\n\r\n", { 400, 501 } },
  { "6.1", "an empty Transfer-Encoding", "POST /a HTTP/1.1\r\nHost: g\r\nTransfer-Encoding:\r\n\r\n", { 400, 501 } },
  { "6.1", "chunked in quotes",
    'POST /a HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n', { 400, 501 } },
  { "6.1", "chunked with something stuck to it",
    "POST /a HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", { 400, 501 } },
  { "6.1", "chunked with a parameter",
    "POST /a HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: chunked;a=b\r\n\r\n0\r\n\r\n", { 400, 501 } },
  { "6.1", "gzip before chunked",
    "POST /a HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", { 400, 501 } },
  { "6.2", "differing lengths", "POST /a HTTP/1.1\r\nHost: g\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd" },
  { "6.2", "a list of differing lengths", "POST /a HTTP/1.1\r\nHost: g\r\nContent-Length: 3, 4\r\n\r\nabcd" },
  { "6.2", "a negative length", "POST /a HTTP/1.1\r\nHost: g\r\nContent-Length: -1\r\n\r\n" },
  { "6.2", "a length with a plus sign", "POST /a HTTP/1.1\r\nHost: g\r\nContent-Length: +3\r\n\r\nabc" },
  { "6.2", "a length in hex", "POST /a HTTP/1.1\r\nHost: g\r\nContent-Length: 0x3\r\n\r\nabc" },
  { "6.2", "a length with a fraction", "POST /a HTTP/1.1\r\nHost: g\r\nContent-Length: 3.0\r\n\r\nabc" },
  { "6.2", "a length with a space inside", "POST /a HTTP/1.1\r\nHost: g\r\nContent-Length: 1 2\r\n\r\nabcdefghijkl" },
  { "6.2", "an empty length", "POST /a HTTP/1.1\r\nHost: g\r\nContent-Length:\r\n\r\n" },
  { "6.2", "a length that is a word", "POST /a HTTP/1.1\r\nHost: g\r\nContent-Length: abc\r\n\r\n" },
  { "6.2", "a length beyond 64 bits", "POST /a HTTP/1.1\r\nHost: g\r\nContent-Length: 18446744073709551616\r\n\r\n" },
  { "6.2", "a length of a hundred digits",
    "POST /a HTTP/1.1\r\nHost: g\r\nContent-Length: " .. ("9"):rep(100) .. "\r\n\r\n" },
}

--- Broken chunked content: refused inside the content, so the upstream never sees a whole request.
local chunked_head = "POST /a HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: chunked\r\n\r\n"
local broken_chunks = {
  { "a size with 0x", "0x3\r\nabc\r\n0\r\n\r\n" },
  { "a size that is a word", "xyz\r\nabc\r\n0\r\n\r\n" },
  { "an empty size", "\r\nabc\r\n0\r\n\r\n" },
  { "a negative size", "-3\r\nabc\r\n0\r\n\r\n" },
  { "a size with a plus sign", "+3\r\nabc\r\n0\r\n\r\n" },
  { "a size beyond 64 bits", "10000000000000003\r\nabc\r\n0\r\n\r\n" },
  { "a space before the size", " 3\r\nabc\r\n0\r\n\r\n" },
  { "an underscore in the size", "1_0\r\n0123456789abcdef\r\n0\r\n\r\n" },
  { "a bare LF after the size", "3\nabc\r\n0\r\n\r\n" },
  { "a bare CR after the size", "3\rabc\r\n0\r\n\r\n" },
  { "a bare LF after the data", "3\r\nabc\n0\r\n\r\n" },
  { "no CRLF after the data", "3\r\nabc0\r\n\r\n" },
  { "data longer than its size", "3\r\nabcd\r\n0\r\n\r\n" },
  { "data shorter than its size", "5\r\nabc\r\n0\r\n\r\n" },
  { "a bare LF in an extension", "3;a=b\nabc\r\n0\r\n\r\n" },
  { "NUL in an extension", "3;a=\0\r\nabc\r\n0\r\n\r\n" },
  { "an extension without name", "3;=b\r\nabc\r\n0\r\n\r\n" },
  { "a bare CR in an extension", "3;a\rb\r\nabc\r\n0\r\n\r\n" },
  { "a bare LF as the end", "3\r\nabc\r\n0\r\n\n" },
  { "a trailer field with a space before its colon", "3\r\nabc\r\n0\r\nX-A : b\r\n\r\n" },
  { "a trailer line without colon", "3\r\nabc\r\n0\r\nX-A\r\n\r\n" },
  { "a folded trailer", "3\r\nabc\r\n0\r\nX-A: b\r\n c\r\n\r\n" },
  { "NUL in a trailer", "3\r\nabc\r\n0\r\nX-A: \0\r\n\r\n" },
}

--- {section, what, bytes, method, body of the request upstream}
local accepted = {
  { "2.2", "an empty line before the request-line", "\r\nGET /a HTTP/1.1\r\nHost: g\r\n\r\n", "GET", "" },
  { "3.2", "an empty Host with an absolute target", "GET http://g/a HTTP/1.1\r\nHost: g\r\n\r\n", "GET", "" },
  { "3.2.2", "an absolute target whose host differs", "GET http://o.test/a HTTP/1.1\r\nHost: g\r\n\r\n", "GET", "" },
  { "3.2.2", "an https target", "GET https://g/a HTTP/1.1\r\nHost: g\r\n\r\n", "GET", "" },
  { "3.2", "an IPv6 Host", "GET /a HTTP/1.1\r\nHost: [2001:db8::1]:8080\r\n\r\n", "GET", "" },
  { "5", "names in any letter case", "GET /a HTTP/1.1\r\nhOsT: g\r\nx-a: b\r\n\r\n", "GET", "" },
  { "5.1", "no white space after the colon", "GET /a HTTP/1.1\r\nHost:g\r\nX-A:b\r\n\r\n", "GET", "" },
  { "5.1", "white space around a value", "GET /a HTTP/1.1\r\nHost: \t g \t \r\n\r\n", "GET", "" },
  { "5.1", "an empty value", "GET /a HTTP/1.1\r\nHost: g\r\nX-A:\r\n\r\n", "GET", "" },
  { "5.1", "every kind of token character", "GET /a HTTP/1.1\r\nHost: g\r\n!#$%&'*+-.^_`|~09aZ: b\r\n\r\n", "GET", "" },
  { "5.5", "bytes beyond ASCII in a value", "GET /a HTTP/1.1\r\nHost: g\r\nX-A: \195\169\255\r\n\r\n", "GET", "" },
  { "5.5", "a tab inside a value", "GET /a HTTP/1.1\r\nHost: g\r\nX-A: b\tc\r\n\r\n", "GET", "" },
  { "6", "no content", "POST /a HTTP/1.1\r\nHost: g\r\n\r\n", "POST", "" },
  { "6.2", "a length", "POST /a HTTP/1.1\r\nHost: g\r\nContent-Length: 3\r\n\r\nabc", "POST", "abc" },
  { "6.2", "a length of 0", "POST /a HTTP/1.1\r\nHost: g\r\nContent-Length: 0\r\n\r\n", "POST", "" },
  { "6.2", "leading zeroes", "POST /a HTTP/1.1\r\nHost: g\r\nContent-Length: 0003\r\n\r\nabc", "POST", "abc" },
  { "6.2", "content of a GET", "GET /a HTTP/1.1\r\nHost: g\r\nContent-Length: 3\r\n\r\nabc", "GET", "abc" },
  { "7.1", "chunks", chunked_head .. "3\r\nabc\r\n4\r\ndefg\r\n0\r\n\r\n", "POST", "abcdefg" },
  { "7.1", "sizes in both letter cases", chunked_head .. "a\r\n0123456789\r\nB\r\n0123456789a\r\n0\r\n\r\n", "POST",
    "01234567890123456789a" },
  { "7.1", "sizes with leading zeroes", chunked_head .. "0003\r\nabc\r\n000\r\n\r\n", "POST", "abc" },
  { "7.1", "sizes with very many leading zeroes", chunked_head .. ("0"):rep(40) .. "3\r\nabc\r\n" .. ("0"):rep(40)
    .. "\r\n\r\n", "POST", "abc" },
  { "7.1.2", "trailers that would frame it", chunked_head
    .. "3\r\nabc\r\n0\r\nContent-Length: 9\r\nTransfer-Encoding: x\r\nHost: evil\r\n\r\n", "POST", "abc" },
  { "7.1", "an empty chunked content", chunked_head .. "0\r\n\r\n", "POST", "" },
  { "7.1", "the coding in any letter case",
    "POST /a HTTP/1.1\r\nHost: g\r\nTransfer-Encoding: ChUnKeD\r\n\r\n3\r\nabc\r\n0\r\n\r\n", "POST", "abc" },
  { "7.1.1", "extensions", chunked_head .. "3;a;b=c;d=\"e f\\\"\"\r\nabc\r\n0;x\r\n\r\n", "POST", "abc" },
  { "7.1.2", "trailers", chunked_head .. "3\r\nabc\r\n0\r\nX-Sum: 1\r\nX-B: c\r\n\r\n", "POST", "abc" },
}

local function contains(set, value)
  for _, member in ipairs(type(set) == "table" and set or { set or 400 }) do
    if member == value then return true end
  end
  return false
end

local function assert_refused(bytes, status, split)
  local gateway, origin = raw.gateway()
  local result = raw.send(gateway, bytes, { split = split })
  assert.equal(1, #result.responses, "responses")
  assert(contains(status, result.responses[1].status), "status " .. tostring(result.responses[1].status))
  assert.equal("close", (result.responses[1]:field("connection") or ""):lower())
  assert.is_true(result.closed)
  assert.equal(0, #origin.requests)
  assert.equal(0, #origin.broken)
end

local function assert_accepted(bytes, method, body, split)
  local gateway, origin = raw.gateway()
  local result = raw.send(gateway, bytes, { split = split })
  assert.same({ 200 }, raw.statuses(result))
  assert.is_false(result.closed)
  assert.equal(1, #origin.requests)
  assert.equal(method, origin.requests[1].method)
  assert.equal(body, origin.requests[1].body)
end

describe("a request on the wire", function()
  for _, case in ipairs(refused) do
    it(("is refused for %s (RFC 9112 section %s)"):format(case[2], case[1]), function()
      assert_refused(case[3], case[4])
    end)
    it(("is refused byte by byte for %s (RFC 9112 section %s)"):format(case[2], case[1]), function()
      assert_refused(case[3], case[4], 1)
    end)
  end

  for _, case in ipairs(accepted) do
    it(("is served with %s (RFC 9112 section %s)"):format(case[2], case[1]), function()
      assert_accepted(case[3], case[4], case[5])
    end)
    it(("is served byte by byte with %s (RFC 9112 section %s)"):format(case[2], case[1]), function()
      assert_accepted(case[3], case[4], case[5], 1)
    end)
  end

  for _, case in ipairs(broken_chunks) do
    for _, split in ipairs({ 65536, 1 }) do
      it(("is never whole with %s in pieces of %d (RFC 9112 section 7.1)"):format(case[1], split), function()
        local gateway, origin = raw.gateway()
        local result = raw.send(gateway, chunked_head .. case[2], { split = split })
        assert.is_true(result.closed)
        assert(#result.responses <= 1)
        for _, response in ipairs(result.responses) do assert(response.status >= 400) end
        assert.equal(0, #origin.requests)
      end)
    end
  end
end)

--- {what, head, what comes again and again, status}
local floods = {
  { "empty lines", "", "\r\n", 400 },
  { "a method", "", "A", 414 },
  { "a name", "GET /a HTTP/1.1\r\nHost: g\r\n", "A", 431 },
  { "a value", "GET /a HTTP/1.1\r\nHost: g\r\nX-A: ", "a", 431 },
  { "fields", "GET /a HTTP/1.1\r\nHost: g\r\n", "X-A: b\r\n", 431 },
  { "connection options", "GET /a HTTP/1.1\r\nHost: g\r\nConnection: ", "a,", 431 },
  { "a chunk's size", chunked_head, "0", 400 },
  { "a chunk's extension", chunked_head .. "3;a=\"", "b", 400 },
  { "extensions of small chunks", chunked_head, "1;" .. ("a"):rep(200) .. "\r\nx\r\n", 400 },
  { "trailers", chunked_head .. "0\r\n", "X-A: b\r\n", 400 },
}

describe("limits of a request", function()
  for _, case in ipairs(floods) do
    it(("end a flood of %s with %d"):format(case[1], case[4]), function()
      local gateway, origin = raw.gateway()
      local result = raw.send(gateway, case[2] .. case[3]:rep(math.ceil(1200000 / #case[3])))
      assert.same({ case[4] }, raw.statuses(result))
      assert.is_true(result.closed)
      assert.equal(0, #origin.requests)
    end)
  end

  it("let ten thousand small chunks pass", function()
    local gateway, origin = raw.gateway()
    local result = raw.send(gateway, chunked_head .. ("1\r\na\r\n"):rep(10000) .. "0\r\n\r\n")
    assert.same({ 200 }, raw.statuses(result))
    assert.equal(10000, #origin.requests[1].body)
  end)

  it("let a target of 8000 bytes pass (RFC 9112 section 3)", function()
    local gateway, origin = raw.gateway()
    local target = "/a?x=" .. ("y"):rep(8000)
    assert.equal(200, gateway:get(target).status)
    assert.equal(target, origin.requests[1].target)
  end)

  it("answer 431 to too many bytes of fields (RFC 6585 section 5)", function()
    local gateway, origin = raw.gateway({ max_header_bytes = 2000 })
    local lines = ("X-%s: %s\r\n"):format(many.name, many.value):rep(8)
    local result = raw.send(gateway, "GET /a HTTP/1.1\r\nHost: g\r\n" .. lines .. "\r\n")
    assert.same({ 431 }, raw.statuses(result))
    assert.is_true(result.closed)
    assert.equal(0, #origin.requests)
  end)

  it("answer a target that never ends, and close", function()
    local gateway, origin = raw.gateway({ max_header_bytes = 2000 })
    local result = raw.send(gateway, "GET /" .. ("x"):rep(20000))
    assert(contains({ 414, 431 }, result.responses[1].status))
    assert.is_true(result.closed)
    assert.equal(0, #origin.requests)
  end)

  it("answer 414 to a target beyond what the operator allows (RFC 9110 section 15.5.15)", function()
    local gateway, origin = raw.gateway({ extra_config = { ["cuttle/server"] = { max_target_bytes = 100 } } })
    local function ask(length)
      return raw.send(gateway, "GET /a?q=" .. ("x"):rep(length) .. " HTTP/1.1\r\nHost: g\r\n\r\n")
    end
    assert.same({ 200 }, raw.statuses(ask(80)))
    local result = ask(100)
    assert.same({ 414 }, raw.statuses(result))
    assert.is_true(result.closed)
    assert.equal(1, #origin.requests)
  end)

  it("answer 414 to a request-line that never ends (RFC 9112 section 3)", function()
    local gateway, origin = raw.gateway()
    local result = raw.send(gateway, "GET /" .. ("x"):rep(1100000))
    assert.same({ 414 }, raw.statuses(result))
    assert.is_true(result.closed)
    assert.equal(0, #origin.requests)
  end)

  it("refuse a limit that makes no sense", function()
    for _, bad in ipairs({ 0, -1, 1.5, "x", 1e9 }) do
      local problem = kit.refusal({ extra_config = { ["cuttle/server"] = { max_target_bytes = bad } } })
      assert.truthy(problem:find("max_target_bytes must be", 1, true))
    end
  end)

  it("close a connection whose head never comes (read_header_timeout)", function()
    local gateway = raw.gateway({ read_header_timeout = "1s" })
    local connection = gateway:connect():send("GET /a HTTP/1.1\r\n")
    assert.is_true(connection:wait_closed("1100ms"))
  end)

  it("close an idle connection (idle_timeout)", function()
    local gateway = raw.gateway({ idle_timeout = "2s" })
    local connection = gateway:connect():request({ path = "/a" })
    assert.equal(200, connection:receive().status)
    assert.is_false(connection:wait_closed("1900ms"))
    assert.is_true(connection:wait_closed("200ms"))
  end)

  it("end a request whose content never comes (read_timeout)", function()
    local gateway = raw.gateway({ read_timeout = "2s" })
    local connection = gateway:connect():send("POST /j HTTP/1.1\r\nHost: g\r\nContent-Length: 10\r\n\r\nabc")
    assert.is_true(connection:wait_closed("2100ms"))
    kit.advance("1s")
  end)
end)

describe("a connection (RFC 9112 section 9)", function()
  local get = "GET /a HTTP/1.1\r\nHost: g\r\n\r\n"

  it("serves one request after the other", function()
    local gateway, origin = raw.gateway()
    local connection = gateway:connect()
    for _ = 1, 3 do
      connection:send(get)
      assert.equal(200, connection:receive().status)
    end
    assert.equal(3, #origin.requests)
    assert.equal(1, origin.connections)
  end)

  it("serves pipelined requests in order", function()
    local gateway = raw.gateway()
    local result = raw.send(gateway, get .. "GET /none HTTP/1.1\r\nHost: g\r\n\r\n" .. get)
    assert.same({ 200, 404, 200 }, raw.statuses(result))
    assert.is_false(result.closed)
  end)

  it("serves pipelined requests with content in order, whatever the pieces", function()
    local post = "POST /a HTTP/1.1\r\nHost: g\r\nContent-Length: 3\r\n\r\n"
    local chunked = chunked_head .. "2\r\nhi\r\n0\r\n\r\n"
    for _, split in ipairs({ 1, 7, 100000 }) do
      local gateway, origin = raw.gateway()
      local result = raw.send(gateway, post .. "one" .. chunked .. get .. post .. "two", { split = split })
      assert.same({ 200, 200, 200, 200 }, raw.statuses(result))
      local bodies = {}
      for i, request in ipairs(origin.requests) do bodies[i] = request.body end
      assert.same({ "one", "hi", "", "two" }, bodies)
    end
  end)

  it("closes after what the client wanted to be the last", function()
    local gateway = raw.gateway()
    local result = raw.send(gateway, "GET /a HTTP/1.1\r\nHost: g\r\nConnection: close\r\n\r\n" .. get)
    assert.same({ 200 }, raw.statuses(result))
    assert.equal("close", result.responses[1]:field("connection"))
    assert.is_true(result.closed)
  end)

  it("reads close in a list and in any letter case", function()
    for _, value in ipairs({ "Close", "x-a, close", "close, x-a", " x-a ,CLOSE" }) do
      local gateway = raw.gateway()
      local result = raw.send(gateway, "GET /a HTTP/1.1\r\nHost: g\r\nConnection: " .. value .. "\r\n\r\n")
      assert.is_true(result.closed, value)
    end
  end)

  it("closes after HTTP/1.0 unless it asks to stay", function()
    local gateway = raw.gateway()
    local result = raw.send(gateway, "GET /a HTTP/1.0\r\n\r\n")
    assert.same({ 200 }, raw.statuses(result))
    assert.is_true(result.closed)
    result = raw.send(gateway, "GET /a HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
    assert.is_false(result.closed)
    assert.equal("keep-alive", result.responses[1]:field("connection"):lower())
  end)

  it("answers no chunks to HTTP/1.0", function()
    local gateway, origin = raw.gateway()
    origin:on("GET", "/a"):reply(200, ("x"):rep(5000)):chunked(100)
    local result = raw.send(gateway, "GET /a HTTP/1.0\r\n\r\n")
    assert.is_nil(result.responses[1]:field("transfer-encoding"))
    assert.equal(5000, #result.responses[1].body)
    assert.is_true(result.closed)
  end)

  it("stays after an answer to a request whose content nobody wanted", function()
    local gateway, origin = raw.gateway()
    local result = raw.send(gateway, "POST /none HTTP/1.1\r\nHost: g\r\nContent-Length: 5\r\n\r\nhello" .. get)
    assert.same({ 404, 200 }, raw.statuses(result))
    assert.equal(1, #origin.requests)
  end)

  it("never takes content that nobody wanted for a request", function()
    local gateway, origin = raw.gateway()
    local inner = "GET /a HTTP/1.1\r\nHost: evil\r\n\r\n"
    local result = raw.send(gateway,
      ("POST /none HTTP/1.1\r\nHost: g\r\nContent-Length: %d\r\n\r\n%s"):format(#inner, inner))
    assert.same({ 404 }, raw.statuses(result))
    assert.equal(0, #origin.requests)
  end)
end)

describe("Expect (RFC 9110 section 10.1.1)", function()
  local head = "POST /a HTTP/1.1\r\nHost: g\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n"

  it("is answered by 100 when the content is wanted", function()
    local gateway, origin = raw.gateway()
    local connection = gateway:connect():send(head)
    kit.advance("100ms")
    assert.equal(1, select(2, connection.pending:gsub("HTTP/1.1 100", "")))
    connection:send("abc")
    assert.equal(200, connection:receive().status)
    assert.equal("abc", origin.requests[1].body)
  end)

  it("is not answered by 100 when the content already came", function()
    local gateway = raw.gateway()
    local result = raw.send(gateway, head .. "abc")
    assert.same({ 200 }, raw.statuses(result))
  end)

  it("is not answered by 100 when the request is refused", function()
    local gateway = raw.gateway()
    local result = raw.send(gateway, (head:gsub("/a", "/none")))
    assert.same({ 404 }, raw.statuses(result))
    assert.equal(0, result.interim)
  end)

  it("with another value is 417", function()
    local gateway, origin = raw.gateway()
    local result = raw.send(gateway, (head:gsub("100%-continue", "tea")))
    assert.same({ 417 }, raw.statuses(result))
    assert.equal(0, #origin.requests)
  end)

  it("is ignored from HTTP/1.0", function()
    local gateway = raw.gateway()
    local result = raw.send(gateway, (head:gsub("HTTP/1.1", "HTTP/1.0")) .. "abc")
    assert.same({ 200 }, raw.statuses(result))
    assert.equal(0, result.interim)
  end)
end)
