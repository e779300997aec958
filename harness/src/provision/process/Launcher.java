import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import org.neo4j.configuration.GraphDatabaseSettings;
import org.neo4j.configuration.connectors.BoltConnector;
import org.neo4j.configuration.connectors.ConnectorPortRegister;
import org.neo4j.configuration.connectors.ConnectorType;
import org.neo4j.configuration.helpers.SocketAddress;
import org.neo4j.dbms.api.DatabaseManagementService;
import org.neo4j.dbms.api.DatabaseManagementServiceBuilder;
import org.neo4j.kernel.internal.GraphDatabaseAPI;

/**
 * Runs one Neo4j server in a folder of its own, on a free port of the loopback address.
 *
 * Standard input is a lifeline: whoever started this process holds the other end, and when that closes, however its holder
 * ended, the server stops and its folder is removed.
 */
public final class Launcher {
    public static void main(String[] arguments) throws Exception {
        Path home = Path.of(arguments[0]);
        int port = Integer.parseInt(arguments[1]);
        long pageCacheBytes = Long.parseLong(arguments[2]) << 20;
        DatabaseManagementService service = new DatabaseManagementServiceBuilder(home)
                .setConfig(BoltConnector.enabled, true)
                .setConfig(BoltConnector.listen_address, new SocketAddress("127.0.0.1", port))
                .setConfig(GraphDatabaseSettings.pagecache_memory, pageCacheBytes)
                .setConfig(GraphDatabaseSettings.preallocate_logical_logs, false)
                .build();
        GraphDatabaseAPI database = (GraphDatabaseAPI) service.database("neo4j");
        var address = database.getDependencyResolver()
                .resolveDependency(ConnectorPortRegister.class)
                .getLocalAddress(ConnectorType.BOLT);
        System.out.println("Started. bolt://" + address.getHost() + ":" + address.getPort());
        while (System.in.read() != -1) {
            // Nothing is ever said on the lifeline.
        }
        // What it holds is thrown away, so there is no need for an orderly shutdown, which takes ten seconds.
        remove(home);
        Runtime.getRuntime().halt(0);
    }

    private static void remove(Path folder) {
        try (var files = Files.walk(folder)) {
            files.sorted(Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
        } catch (IOException | UncheckedIOException error) {
            System.err.println("could not remove " + folder + ": " + error);
        }
    }
}
