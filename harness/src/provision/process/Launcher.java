import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Comparator;
import java.util.concurrent.CompletableFuture;
import org.neo4j.configuration.connectors.ConnectorPortRegister;
import org.neo4j.configuration.connectors.ConnectorType;
import org.neo4j.dbms.DatabaseStateService;
import org.neo4j.dbms.api.DatabaseManagementService;
import org.neo4j.dbms.api.DatabaseManagementServiceBuilder;
import org.neo4j.kernel.internal.GraphDatabaseAPI;

/**
 * Runs one Neo4j server in a folder of its own, as that folder's neo4j.conf says.
 *
 * Standard input is a lifeline: whoever started this process holds the other end, and when that closes, however its holder
 * ended, the server stops and its folder is removed. Anything that is said on it asks for an orderly shutdown, which puts
 * everything on the disk and keeps it.
 */
public final class Launcher {
    public static void main(String[] arguments) throws Exception {
        Path home = Path.of(arguments[0]);
        // Before anything else: the lifeline may break while the server starts.
        CompletableFuture<DatabaseManagementService> started = new CompletableFuture<>();
        Thread lifeline = new Thread(() -> end(home, started), "lifeline");
        lifeline.setDaemon(true);
        lifeline.start();
        DatabaseManagementService service = new DatabaseManagementServiceBuilder(home)
                .loadPropertiesFromFile(home.resolve("neo4j.conf"))
                .build();
        started.complete(service);
        GraphDatabaseAPI database = (GraphDatabaseAPI) service.database("neo4j");
        // A server listens even when its database could not be started, and would say "unavailable" for ever.
        if (!database.isAvailable(0)) {
            System.err.println("the database `neo4j` could not be started");
            database.getDependencyResolver()
                    .resolveDependency(DatabaseStateService.class)
                    .causeOfFailure(database.databaseId())
                    .ifPresent(Throwable::printStackTrace);
            Runtime.getRuntime().halt(1);
        }
        var address = database.getDependencyResolver()
                .resolveDependency(ConnectorPortRegister.class)
                .getLocalAddress(ConnectorType.BOLT);
        System.out.println("Started. bolt://" + address.getHost() + ":" + address.getPort());
        lifeline.join();
    }

    private static void end(Path home, CompletableFuture<DatabaseManagementService> started) {
        try {
            if (System.in.read() != -1) {
                started.join().shutdown();
                Runtime.getRuntime().halt(0);
            }
        } catch (IOException error) {
            // A lifeline that cannot be read is a broken one.
        }
        // What it holds is thrown away, so there is no need for an orderly shutdown, which takes ten seconds.
        remove(home);
        Runtime.getRuntime().halt(0);
    }

    private static void remove(Path folder) {
        try (var files = Files.walk(folder)) {
            files.sorted(Comparator.reverseOrder()).forEach(file -> file.toFile().delete());
        } catch (IOException | UncheckedIOException error) {
            // The server still writes there. Whoever starts next sweeps up what is left.
            System.err.println("could not remove " + folder + ": " + error);
        }
    }
}
