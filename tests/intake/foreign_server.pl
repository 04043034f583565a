# A model server that knows nothing of Sealift: perl's base modules and the Open Inference Protocol.
# Arguments are ways in which it is not as it should be.
use strict;
use warnings;
use IO::Socket::INET;
use POSIX ":sys_wait_h";

my %odd = map { $_ => 1 } @ARGV;
my ($rate) = ((map { /^rate=(.+)/ ? $1 : () } @ARGV), 3);
$| = 1;
die "there is no model\n" if $odd{crash};
die "this must be root\n" if $odd{root} && $> != 0;
if ($odd{writes}) {
    open(my $file, ">", "/var/cache/prices/warm") or die "/var/cache/prices/warm: $!\n";
}
my $socket = IO::Socket::INET->new(
    Listen    => 64,
    ReuseAddr => 1,
    LocalAddr => $odd{open} ? "0.0.0.0" : "127.0.0.1",
    LocalPort => $odd{deaf} ? 0 : $ENV{PORT},
) or die "no port: $@\n";
print "listening on ", $socket->sockport, "\n";

my ($ending, $idle, %children) = (0, 0);
$SIG{TERM} = sub { $ending = 1; close $socket; kill TERM => keys %children };
$SIG{CHLD} = sub { while ((my $ended = waitpid(-1, WNOHANG)) > 0) { delete $children{$ended} } };
until ($ending) {
    my $client = $socket->accept or next;
    my $child = fork();
    if (!$child) {
        $SIG{CHLD} = "DEFAULT";
        $SIG{TERM} = sub { $ending = 1; exit 0 if $idle };
        close $socket;
        talk($client);
        exit 0;
    }
    $children{$child} = 1;
    close $client;
}
$SIG{CHLD} = "DEFAULT";
1 while waitpid(-1, 0) > 0;

sub talk {
    my ($client) = @_;
    my $buffer = "";
    while (1) {
        until ($buffer =~ /\r\n\r\n/) {
            $idle = $buffer eq "";
            exit 0 if $ending && $idle;
            return unless more($client, \$buffer);
            $idle = 0;
        }
        my ($head, $rest) = split /\r\n\r\n/, $buffer, 2;
        my ($length) = $head =~ /^content-length:\s*(\d+)/im;
        $length ||= 0;
        while (length $rest < $length) { return unless more($client, \$rest) }
        my $body = substr($rest, 0, $length, "");
        $buffer = $rest;
        my ($method, $path) = $head =~ m{^(\S+) (\S+)};
        my ($status, $said) = $odd{bare} ? (404, "{}") : answer($method, $path, $body);
        my $close = $ending || $head =~ /^connection:\s*close/im;
        syswrite($client, "HTTP/1.1 $status Said\r\nContent-Type: application/json\r\n"
            . "Content-Length: " . length($said) . "\r\n"
            . ($close ? "Connection: close\r\n" : "") . "\r\n" . $said);
        return if $close;
    }
}

# Read on; a signal in between is no end.
sub more {
    my ($client, $into) = @_;
    while (1) {
        my $count = sysread($client, $$into, 65536, length $$into);
        return $count if defined $count || !$!{EINTR};
    }
}

sub answer {
    my ($method, $path, $body) = @_;
    return (200, '{"live": true}') if $path eq "/v2/health/live";
    return ($ending ? 503 : 200, '{"ready": true}') if $path eq "/v2/health/ready";
    return (200, '{"name": "perl", "version": "5", "extensions": []}') if $path eq "/v2";
    return (200, '[{"name": "prices", "state": "READY"}]') if $path eq "/v2/repository/index";
    return (200, '{"name": "prices", "ready": true}') if $path eq "/v2/models/prices/ready";
    return (200, '{"name": "prices", "versions": [], "platform": "perl", "inputs": ['
        . '{"name": "area", "datatype": "FP64", "shape": [-1, 2]},'
        . '{"name": "kind", "datatype": "BYTES", "shape": [-1]}], "outputs": ['
        . '{"name": "price", "datatype": "FP64", "shape": [-1, 1]}]}')
        if $path eq "/v2/models/prices" && !$odd{silent};
    return infer($body) if $path eq "/v2/models/prices/infer" && $method eq "POST";
    return (404, '{"error": "there is no such page"}');
}

sub infer {
    my ($body) = @_;
    my $asked = eval { json($body) };
    return ($odd{rude} ? 500 : 400, '{"error": "this is not JSON"}') unless ref $asked eq "HASH";
    my %tensor = ref $asked->{inputs} eq "ARRAY"
        ? map { ref $_ eq "HASH" ? ($_->{name} => $_) : () } @{$asked->{inputs}} : ();
    my ($area, $kind) = @tensor{"area", "kind"};
    return (400, '{"error": "area and kind are needed"}') unless $area && $kind;
    my $rows = ref $kind->{shape} eq "ARRAY" ? $kind->{shape}[0] : -1;
    return (400, '{"error": "the shapes do not fit the data"}')
        unless ref $area->{data} eq "ARRAY" && ref $kind->{data} eq "ARRAY"
        && $rows =~ /^[0-9]+$/ && @{$kind->{data}} == $rows && @{$area->{data}} == 2 * $rows
        && $area->{datatype} eq "FP64" && $kind->{datatype} eq "BYTES"
        && !grep { !defined || ref } @{$area->{data}}, @{$kind->{data}};
    return (400, '{"error": "too many rows"}') if $odd{small} && $rows > 8;
    my @prices = map {
        $rate * $area->{data}[2 * $_] + $area->{data}[2 * $_ + 1] + length($kind->{data}[$_])
            + ($odd{random} ? rand() : 0) + ($odd{drifts} ? 1e-7 * rand() : 0)
    } 0 .. $rows - 1;
    my $id = defined $asked->{id} && !ref $asked->{id} ? qq("id": "$asked->{id}", ) : "";
    return (200, qq({$id"model_name": "prices", "outputs": [{"name": "price", "datatype": "FP64", )
        . qq("shape": [$rows, 1], "data": [) . join(", ", map { sprintf "%.17g", $_ } @prices) . "]}]}");
}

# A small reader of JSON; dies where it is none.
sub json {
    local $_ = shift;
    my $value = value(0);
    /\G\s+/gc;
    die unless pos == length;
    return $value;
}

sub value {
    my ($depth) = @_;
    die if $depth > 32;
    /\G\s+/gc;
    if (/\G\{/gc) {
        my %found;
        /\G\s*\}/gc and return \%found;
        do {
            /\G\s*"((?:[^"\\]|\\.)*)"\s*:/gc or die;
            my $name = $1;
            $found{$name} = value($depth + 1);
            /\G\s+/gc;
        } while (/\G,/gc);
        /\G\}/gc or die;
        return \%found;
    }
    if (/\G\[/gc) {
        my @found;
        /\G\s*\]/gc and return \@found;
        do { push @found, value($depth + 1); /\G\s+/gc } while (/\G,/gc);
        /\G\]/gc or die;
        return \@found;
    }
    /\G"((?:[^"\\]|\\.)*)"/gc and return $1;
    /\G(-?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?)/gc and return $1;
    /\Gtrue/gc and return 1;
    /\Gfalse/gc and return 0;
    /\Gnull/gc and return undef;
    die;
}
